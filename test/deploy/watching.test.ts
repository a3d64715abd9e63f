/**
 * Alerts and the dashboard ask only for metrics and labels that the server has, each alert is tried by a rule test that fires it, and promtool
 * takes all of it. Without promtool (Debian: prometheus) a run with CI set fails, any other says that it skips.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { deploymentFolder, documentedMetrics, documentsIn, read, unknownIn } from './deployment.ts';

const rules = z
  .strictObject({
    groups: z.array(
      z.strictObject({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string().regex(/^Nightdesk[A-Z]\w+$/),
            expr: z.string(),
            for: z.string().optional(),
            labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
            annotations: z.strictObject({ summary: z.string().max(100), description: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(documentsIn('deploy/prometheus/alerts.yml')[0])
  .groups.flatMap((group) => group.rules);

const target = z.object({ expr: z.string() });
const dashboard = z
  .object({
    uid: z.string(),
    panels: z.array(
      z.object({
        id: z.int(),
        type: z.enum(['row', 'stat', 'timeseries']),
        title: z.string(),
        description: z.string().optional(),
        targets: z.array(target).optional(),
        datasource: z.object({ uid: z.string() }).optional(),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      }),
    ),
    templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  })
  .parse(JSON.parse(read('deploy/grafana/dashboards/nightdesk.json')));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

test('the reference pages are read', () => {
  expect(documentedMetrics.size).toBeGreaterThan(40);
  expect(documentedMetrics.get('nightdesk_sends')).toEqual(['state']);
  expect(unknownIn('sum by (code, kind) (rate(nightdesk_sends_total{result="held", why!="x"}[5m]))')).toEqual(
    ['nightdesk_sends_total{why}', 'by (code)', 'by (kind)'],
  );
  expect(unknownIn('nightdesk_lost_total > 0')).toEqual(['nightdesk_lost_total']);
});

describe('alerts', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what there is', (_, { expr }) => {
    expect(unknownIn(expr)).toEqual([]);
    // Where other things are scraped, too, their series are not ours.
    const series = [...expr.matchAll(/\b(?:up|nightdesk_\w+)(\{[^}]*\})?/g)].map(
      ([, matchers = '']) => matchers,
    );
    for (const matchers of series) expect(matchers).toContain('job="nightdesk"');
  });

  test('a gauge of the store is the same in every process, so none is summed', () => {
    const page = read('docs/reference/metrics.md');
    const shared = [
      ...page.matchAll(/^\| `(nightdesk_(?:mailbox_\w+|awaiting|\w+_open|sends|conversations\w*))` \|/gm),
    ];
    const names = shared.map(([, name = '']) => name);
    expect(names).toContain('nightdesk_flags_open');
    const expressions = [
      ...rules.map(({ expr }) => expr),
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ];
    const summed = new RegExp(`sum[^(]*\\((?:${names.join('|')})\\{`);
    expect(expressions.filter((expr) => summed.test(expr))).toEqual([]);
  });

  test('each is fired by a rule test', () => {
    const tried = read('deploy/prometheus/alerts.test.yml');
    expect(
      rules.filter(({ alert }) => !tried.includes(`alertname="${alert}"`)).map(({ alert }) => alert),
    ).toEqual([]);
  });

  test('each name stands on the page, so that who is woken finds it', () => {
    const page = read('docs/deploying.md');
    expect(rules.filter(({ alert }) => !page.includes(`\`${alert}\``)).map(({ alert }) => alert)).toEqual([]);
  });
});

describe('the dashboard', () => {
  test.each(panels.map((panel) => [panel.title, panel] as const))('%s asks for what there is', (_, panel) => {
    const { targets = [], description = '', datasource } = panel;
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    expect(description).not.toBe('');
    expect(datasource?.uid).toBe(`\${${dashboard.templating.list[0]?.name}}`);
  });

  test('no two panels lie on each other or have one id', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });

  test('Grafana is told where Prometheus and the dashboard are', () => {
    const [sources] = documentsIn('deploy/grafana/provisioning/datasources/prometheus.yaml');
    expect(sources).toMatchObject({
      apiVersion: 1,
      datasources: [{ type: 'prometheus', url: 'http://prometheus:9090' }],
    });
    const [providers] = documentsIn('deploy/grafana/provisioning/dashboards/nightdesk.yaml');
    const path = '/etc/grafana/dashboards';
    expect(providers).toMatchObject({ apiVersion: 1, providers: [{ type: 'file', options: { path } }] });
    expect(read('deploy/compose.yaml')).toContain(`./grafana/dashboards:${path}:ro`);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
const howToInstall =
  'There is no promtool, so no alert can be tried. Install it (apt-get install --no-install-recommends prometheus).';
const folder = resolve(deploymentFolder, 'prometheus');
const promtool = (...words: string[]): string =>
  execFileSync('promtool', words, { cwd: folder, encoding: 'utf8' });

if (!hasPromtool && !process.env.CI) console.warn(`Tests are skipped. ${howToInstall}`);

describe.skipIf(!hasPromtool && !process.env.CI)('promtool', () => {
  test('is there', () => {
    expect(hasPromtool, howToInstall).toBe(true);
  });

  test('takes the configuration and every rule', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toContain(`${rules.length} rules found`);
  });

  test('sees every alert fire when it should, and at no other time', () => {
    expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
  });
});

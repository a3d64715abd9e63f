/**
 * What the reference pages list is what there is: metrics, environment variables, settings of a number.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { counters, histograms } from '#core/ports/telemetry.ts';
import { Metrics } from '#runtime/metrics.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const firstColumn = (page: string) =>
  [...page.matchAll(/^\| ((?:`[\w.[\]]+`(?:, )?)+)/gm)].flatMap(([, cell]) =>
    [...(cell ?? '').matchAll(/`([\w.[\]]+)`/g)].map((match) => match[1] ?? ''),
  );

test('every metric is on its page, and nothing else', async () => {
  const metrics = new Metrics();
  metrics.watch({
    activitiesRunning: () => 0,
    activitiesWaiting: () => 0,
    sendsInFlight: () => 0,
    sendsWaiting: () => 0,
    wakes: () => 0,
    wakeQueue: () => 1,
    nowMs: () => 0,
    stats: async () => ({
      mailboxDepth: 0,
      mailboxOldestMs: null,
      awaiting: 0,
      flagsOpen: 0,
      deadLettersOpen: 0,
      quarantineOpen: 0,
      sendsByState: {},
      conversationsByState: [],
      held: 0,
    }),
  });
  const exported = [...(await metrics.text()).matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1]);
  expect(firstColumn(read('docs/reference/metrics.md')).sort()).toEqual([...exported].sort());
  expect(Object.keys({ ...counters, ...histograms }).every((name) => exported.includes(name))).toBe(true);
});

test('every environment variable is on the configuration page', () => {
  const schema =
    read('src/runtime/config.ts').match(/const environment = z\.object\(\{([\s\S]*?)\n\}\);/)?.[1] ?? '';
  const known = [...schema.matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1] ?? '');
  const page = read('docs/reference/configuration.md');
  expect(known.length).toBeGreaterThan(10);
  expect(known.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('every setting of a number is on the configuration page', () => {
  const schema =
    read('src/runtime/tenants-file.ts').match(/const settings = z\.looseObject\(\{([\s\S]*?)\n\}\);/)?.[1] ??
    '';
  const known = [...schema.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1] ?? '');
  const page = read('docs/reference/configuration.md');
  expect(known.length).toBeGreaterThan(10);
  expect(known.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

/**
 * The manifests without a cluster: each has the shape that the API demands, what selects something selects it, probes ask doors that the server
 * has, and a pod has the time that its stop takes.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { roles } from '#runtime/config.ts';
import { documentedVariables, documentsIn, filesOf, read } from './deployment.ts';
import { anyObject, type KubernetesObject } from './kubernetes-shapes.ts';

const files = filesOf('deploy/kubernetes', '.yaml').sort();
const objectsIn = (path: string): KubernetesObject[] =>
  documentsIn(path).map((document) => {
    const result = anyObject.safeParse(document);
    if (!result.success) throw new Error(`${path}: ${result.error.message}`);
    return result.data;
  });
const objects = files.flatMap(objectsIn);
const ofKind = <K extends KubernetesObject['kind']>(kind: K): Extract<KubernetesObject, { kind: K }>[] =>
  objects.filter((each): each is Extract<KubernetesObject, { kind: K }> => each.kind === kind);
const deployments = ofKind('Deployment').map((each) => [each.metadata.name, each] as const);
const containerOf = (each: (typeof deployments)[number][1]) => each.spec.template.spec.containers[0];

type Labels = Record<string, string>;
const has = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);
const selectedBy = (wanted: Labels): string[] =>
  deployments.filter(([, { spec }]) => has(spec.template.metadata.labels, wanted)).map(([name]) => name);

test('there is one of each that is needed, and nothing twice', () => {
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.sort()).toEqual([
    'ConfigMap nightdesk',
    'Deployment webhook',
    'Deployment worker',
    'Ingress webhook',
    'Namespace nightdesk',
    'NetworkPolicy metrics',
    'NetworkPolicy webhook',
    'PodDisruptionBudget webhook',
    'PodDisruptionBudget worker',
    'Secret nightdesk',
    'Service webhook',
  ]);
});

test('the namespace comes before what lies in it', () => {
  const [first = ''] = files.filter((path) => !path.includes('/examples/'));
  expect(objectsIn(first).map(({ kind }) => kind)).toEqual(['Namespace']);
});

describe.each(deployments)('the deployment %s', (name, each) => {
  const { spec } = each;
  const container = containerOf(each);
  const pod = spec.template.spec;
  const env = Object.fromEntries(container.env.map((variable) => [variable.name, variable.value]));

  test('selects its own pods, and so do its budget and its spread', () => {
    const selectors = [
      spec.selector,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector),
      ...ofKind('PodDisruptionBudget')
        .filter(({ metadata }) => metadata.name === name)
        .map((budget) => budget.spec.selector),
    ];
    expect(selectors).toHaveLength(3);
    for (const { matchLabels } of selectors) expect(selectedBy(matchLabels)).toEqual([name]);
  });

  test('leaves room for a disruption', () => {
    const budgets = ofKind('PodDisruptionBudget').filter(({ metadata }) => metadata.name === name);
    const allowed = budgets.map(({ spec: budget }) =>
      'minAvailable' in budget ? spec.replicas - budget.minAvailable : budget.maxUnavailable,
    );
    expect(allowed).toEqual([1]);
  });

  test('starts with roles that there are', () => {
    const [start, flag, list = '', ...rest] = container.args;
    expect([start, flag, rest]).toEqual(['start', '--roles', []]);
    for (const role of list.split(',')) expect(roles).toContain(role);
  });

  test('has the time that its stop takes', () => {
    const stopMs = Number(env.STOP_DEADLINE_MS) + Number(env.DRAIN_DELAY_MS ?? 0);
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(stopMs + 10_000);
  });

  test('probes doors that the server has, on the port that it listens on', () => {
    const page = read('docs/reference/http.md');
    const { startupProbe, livenessProbe, readinessProbe } = container;
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/healthz',
      '/healthz',
      '/readyz',
    ]);
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      expect(page).toContain(`| \`${httpGet.path}\` | GET | 200`);
      expect(httpGet.port).toBe('http');
    }
    expect(page).toContain('| `/healthz` | GET | 200 while the process lives |');
    expect(container.ports).toContainEqual({ name: 'http', containerPort: 3000 });
    expect(read('docs/reference/configuration.md')).toContain('| `PORT`, `HOST` | 3000,');
  });

  test('tells its metrics where the annotation and the setting say', () => {
    const ports = Object.fromEntries(container.ports.map((port) => [port.name, String(port.containerPort)]));
    const [config] = ofKind('ConfigMap');
    expect(config?.data.METRICS_PORT).toBe(ports.metrics);
    expect(spec.template.metadata.annotations['prometheus.io/port']).toBe(ports.metrics);
  });

  test('takes its settings from objects that there are', () => {
    const sources = container.envFrom.flatMap((source) => Object.entries(source));
    expect(sources.map(([kind, { name: of }]) => `${kind} ${of}`)).toEqual([
      'configMapRef nightdesk',
      'secretRef nightdesk',
    ]);
    const set = [...ofKind('ConfigMap'), ...ofKind('Secret')].map((each) => [each.kind, each.metadata.name]);
    expect(set).toEqual([
      ['ConfigMap', 'nightdesk'],
      ['Secret', 'nightdesk'],
    ]);
  });

  test('mounts volumes that it has, and has one wherever it writes', () => {
    const names = pod.volumes.map((volume) => volume.name).sort();
    expect(container.volumeMounts.map((mount) => mount.name).sort()).toEqual(names);
    expect(container.volumeMounts.map(({ mountPath }) => mountPath).sort()).toEqual(['/app/data', '/tmp']);
  });
});

test('a webhook process goes on taking webhooks while routers learn that it goes, a worker lets a send end', () => {
  const settingOf = (name: string, variable: string): number => {
    const found = deployments.filter(([each]) => each === name).flatMap(([, each]) => containerOf(each).env);
    return Number(found.find((each) => each.name === variable)?.value);
  };
  expect(settingOf('webhook', 'DRAIN_DELAY_MS')).toBeGreaterThanOrEqual(5_000);
  expect(settingOf('worker', 'STOP_DEADLINE_MS')).toBeGreaterThan(limits.graphTimeoutMs);
});

test('every setting is a documented one; secrets are in the secret alone, and empty', () => {
  const plain = ofKind('ConfigMap').flatMap(({ data }) => Object.keys(data));
  const secrets = ofKind('Secret').flatMap(({ stringData }) => Object.entries(stringData));
  const direct = deployments.flatMap(([, each]) => containerOf(each).env.map(({ name }) => name));
  const all = [...plain, ...direct, ...secrets.map(([name]) => name)];
  expect(all.filter((name) => !documentedVariables.has(name))).toEqual([]);
  expect([...plain, ...direct].filter((name) => /SECRET|TOKEN|KEY|_URL$/.test(name))).toEqual(['FILES_URL']);
  expect(secrets.filter(([, value]) => value !== '' && !value.includes(':PASSWORD@'))).toEqual([]);
});

test('pods share no disk, so files are in a bucket', () => {
  for (const { data } of ofKind('ConfigMap')) expect(data.FILES_URL).toMatch(/^s3:\/\//);
});

test('the ingress leads to the service, the service to the webhook, and only doors of the outside are open', () => {
  const [service] = ofKind('Service');
  expect(selectedBy(service?.spec.selector ?? {})).toEqual(['webhook']);
  expect(service?.spec.ports.map(({ targetPort }) => targetPort)).toEqual(['http']);
  const paths = ofKind('Ingress').flatMap(({ spec }) => spec.rules.flatMap(({ http }) => http.paths));
  for (const { backend } of paths)
    expect(backend).toEqual({ service: { name: 'webhook', port: { name: 'http' } } });
  expect(paths.map(({ path }) => path)).toEqual(['/webhooks/whatsapp', '/events']);
  for (const { path } of paths) expect(read('docs/reference/http.md')).toContain(`| \`${path}\``);
});

test('connections are let in to ports that pods have: webhooks from anywhere, metrics from where they are watched', () => {
  const ports = new Set(deployments.flatMap(([, each]) => containerOf(each).ports.map(({ name }) => name)));
  const rules = ofKind('NetworkPolicy').flatMap(({ spec }) =>
    spec.ingress.flatMap((rule) =>
      rule.ports.map(({ port }) => ({
        to: selectedBy(spec.podSelector.matchLabels),
        port,
        open: rule.from === undefined,
      })),
    ),
  );
  for (const { port } of rules) expect(ports).toContain(port);
  expect(rules).toEqual([
    { to: ['webhook'], port: 'http', open: true },
    { to: ['webhook', 'worker'], port: 'metrics', open: false },
  ]);
});

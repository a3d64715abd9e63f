/**
 * compose.yaml without a container engine: the keys are those of the compose specification that we use, what is referred to is defined, and
 * what a server of ours needs to be left running unattended is there.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { limits } from '#core/limits.ts';
import { roles } from '#runtime/config.ts';
import { instructionsOf } from '../dev/dockerfile.ts';
import { deploymentFolder, documentedVariables, documentsIn, durationMs, read } from './deployment.ts';

const text = z.string().min(1);
const duration = text.regex(/^\d+(ms|s|m)$/);
// YAML reads `yes`, `on` and bare numbers as something else than words: an environment takes words only.
const environment = z.record(z.string(), z.string());

/** The part of the specification that the file uses; a key that is not in it is a slip, or belongs here. */
const service = z.strictObject({
  image: text,
  build: z.strictObject({ context: text, dockerfile: text }).optional(),
  env_file: text.optional(),
  environment: environment.optional(),
  command: z.array(text).optional(),
  stop_grace_period: duration,
  restart: z.literal('unless-stopped'),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_started', 'service_healthy']) }))
    .optional(),
  networks: z.array(text).min(1),
  volumes: z.array(text.regex(/^[^:]+:\/[^:]+(:ro)?$/)).min(1),
  ports: z.array(text.regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(text).optional(),
  cap_drop: z.array(z.literal('ALL')).optional(),
  security_opt: z.array(text).optional(),
  shm_size: text.optional(),
  deploy: z.strictObject({ replicas: z.int().min(1) }).optional(),
  logging: z.strictObject({ driver: z.literal('json-file'), options: environment }),
  healthcheck: z.strictObject({
    test: z.tuple([z.enum(['CMD', 'CMD-SHELL'])], text),
    interval: duration,
    timeout: duration,
    retries: z.int().min(1),
    start_period: duration.optional(),
  }),
});
const [document] = documentsIn('deploy/compose.yaml');
const compose = z
  .strictObject({
    name: text,
    'x-server': z.unknown(),
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
    volumes: z.record(z.string(), z.strictObject({})),
  })
  .parse(document);
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === 'nightdesk');
const serviceOf = (name: string) => service.parse(compose.services[name]);

describe('compose.yaml', () => {
  test('has the processes that it promises', () => {
    expect(Object.keys(compose.services).sort()).toEqual(
      ['grafana', 'postgres', 'prometheus', 'redis', 'webhook', 'worker'].sort(),
    );
    expect(serviceOf('worker').deploy?.replicas).toBe(2);
  });

  test.each(services)('what %s refers to is there', (_, { volumes, networks, depends_on = {} }) => {
    for (const name of networks) expect(compose.networks, name).toHaveProperty(name);
    for (const name of Object.keys(depends_on)) expect(compose.services, name).toHaveProperty(name);
    for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
      if (source.startsWith('.')) expect(existsSync(resolve(deploymentFolder, source)), source).toBe(true);
      else expect(compose.volumes, source).toHaveProperty(source);
    }
  });

  test('every volume and network is used', () => {
    const used = services.flatMap(([, { volumes, networks }]) => [
      ...networks,
      ...volumes.map((volume) => volume.split(':')[0] ?? ''),
    ]);
    expect(
      Object.keys({ ...compose.networks, ...compose.volumes }).filter((name) => !used.includes(name)),
    ).toEqual([]);
  });

  test('no image is whatever is newest', () => {
    const theirs = services.filter(([, { build }]) => build === undefined);
    expect(theirs.filter(([, { image }]) => !/:v?\d/.test(image))).toEqual([]);
  });

  test('only the webhook and Grafana can be reached, from this machine', () => {
    const open = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
    expect(open).toEqual(['webhook 127.0.0.1:3000:3000', 'grafana 127.0.0.1:3001:3000']);
  });

  test('the store and the queue have no way to the outside', () => {
    expect(compose.networks.data).toEqual({ internal: true });
    for (const name of ['postgres', 'redis']) expect(serviceOf(name).networks, name).toEqual(['data']);
  });

  test('a 200 of Postgres is on its disk', () => {
    const { command = [], volumes, image } = serviceOf('postgres');
    for (const setting of ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'])
      expect(command).toContain(setting);
    expect(image).toMatch(/^postgres:17\b/);
    // Up to 17 the image has its data there, and loses it where a volume stands elsewhere.
    expect(volumes).toEqual(['postgres:/var/lib/postgresql/data']);
  });

  test('Redis forgets nothing by itself', () => {
    const { command = [] } = serviceOf('redis');
    const words = command.join(' ');
    for (const setting of ['--maxmemory-policy noeviction', '--appendonly yes', '--appendfsync everysec'])
      expect(words).toContain(setting);
  });
});

describe.each(ours)('the server as %s', (name, { command = [], environment: variables = {}, ...server }) => {
  test('starts with roles that there are', () => {
    const [start, flag, list = '', ...rest] = command;
    expect([start, flag, rest]).toEqual(['start', '--roles', []]);
    for (const role of list.split(',')) expect(roles).toContain(role);
  });

  test('has only variables that are documented', () => {
    expect(Object.keys(variables).filter((variable) => !documentedVariables.has(variable))).toEqual([]);
  });

  test('has the time that its stop takes', () => {
    const { STOP_DEADLINE_MS = limits.stopDeadlineMs, DRAIN_DELAY_MS = 0 } = variables;
    const needsMs = Number(STOP_DEADLINE_MS) + Number(DRAIN_DELAY_MS);
    expect(durationMs(server.stop_grace_period)).toBeGreaterThanOrEqual(needsMs + 10_000);
  });

  test('lets a call to Graph end before it stops', () => {
    if (name === 'worker') expect(Number(variables.STOP_DEADLINE_MS)).toBeGreaterThan(limits.graphTimeoutMs);
  });

  test('may write only where it has to', () => {
    expect(server).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(server.security_opt).toContain('no-new-privileges:true');
  });

  test('is asked for its health on its own port', () => {
    const asked = server.healthcheck.test.join(' ');
    expect(asked).toContain('http://127.0.0.1:3000/readyz');
    expect(read('docs/reference/http.md')).toContain('| `/readyz` | GET | 200 once it works');
  });
});

test('the server of two services sees one set of files, one store and one queue', () => {
  const seen = ours.map(([, { environment: { DATABASE_URL, FILES_URL, REDIS_URL, WAKE } = {}, volumes }]) => [
    DATABASE_URL,
    FILES_URL,
    REDIS_URL,
    WAKE,
    volumes,
  ]);
  expect(seen).toHaveLength(2);
  expect(seen[0]).toEqual(seen[1]);
  expect(seen[0]).toEqual([
    expect.stringMatching(
      /^postgres:\/\/nightdesk:\$\{POSTGRES_PASSWORD:\?[^}]+\}@postgres:5432\/nightdesk$/,
    ),
    'folder:/app/files',
    'redis://redis:6379',
    'bullmq',
    ['files:/app/files'],
  ]);
});

describe('secrets', () => {
  const keysOf = (path: string): string[] =>
    [...read(path).matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, key = '', value]) => {
      expect(value, `${path} ${key}`).toBe('');
      return key;
    });

  test('what the file asks the shell for stands in env.example, and the other way round', () => {
    const asked = [...read('deploy/compose.yaml').matchAll(/\$\{([A-Z_]+)(.)/g)].map(([, key = '', then]) => {
      // Without it the service would start with an empty password.
      expect(then, key).toBe(':');
      return key;
    });
    expect([...new Set(asked)].sort()).toEqual(keysOf('deploy/env.example').sort());
  });

  test('the settings of the server are documented ones, and have no values in the repository', () => {
    const keys = keysOf('deploy/nightdesk.env.example');
    expect(keys.filter((key) => !documentedVariables.has(key))).toEqual([]);
    expect(keys).toContain('NIGHTDESK_SECRET_KEY');
    for (const [, { env_file }] of ours) expect(env_file).toBe('nightdesk.env');
    expect(read('deploy/.gitignore')).toContain('*.env');
  });
});

test('Prometheus finds the metrics where the server has them', () => {
  const scrape = z
    .object({
      job_name: z.literal('nightdesk'),
      dns_sd_configs: z.array(z.object({ names: z.array(text), type: z.literal('A'), port: z.int() })),
    })
    .parse(
      z
        .object({ scrape_configs: z.array(z.unknown()) })
        .parse(documentsIn('deploy/prometheus/prometheus.yml')[0]).scrape_configs[0],
    );
  expect(scrape.dns_sd_configs.flatMap(({ names }) => names).sort()).toEqual(
    ours.map(([name]) => name).sort(),
  );
  for (const [, { environment: variables = {}, networks }] of ours) {
    expect(variables.METRICS_PORT).toBe(String(scrape.dns_sd_configs[0]?.port));
    expect(networks).toContain('watch');
  }
});

test('the image of ours is built from the Dockerfile beside it, in the root', () => {
  for (const [, { build }] of ours) expect(build).toEqual({ context: '..', dockerfile: 'deploy/Dockerfile' });
  const exposed = instructionsOf(read('deploy/Dockerfile')).find(({ name }) => name === 'EXPOSE');
  expect(exposed?.words).toBe('3000');
});

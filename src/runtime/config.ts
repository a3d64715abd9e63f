/**
 * Configuration: environment variables and, if it is there, `nightdesk.config.ts`. All of it is checked before any port
 * opens; what is wrong is said once, with the key and how to mend it.
 */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { limits } from '#core/limits.ts';
import type { RedisTarget } from '#wake/bullmq/target.ts';
import type { CloudTasksOptions } from '#wake/cloud-tasks/index.ts';
import { cloudTasksRemedies, demandWholeRoles, readCloudTasks } from './cloud-tasks-config.ts';
import { BadConfig, type NightdeskConfig, readConfigFile } from './config-file.ts';
import { readRedisUrl } from './redis-url.ts';

export const roles = ['webhook', 'turn', 'activity', 'outbox', 'console'] as const;
export type Role = (typeof roles)[number];

export { BadConfig, type NightdeskConfig };

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== ''),
);
const port = z.coerce.number().int().min(0).max(65_535);
const ms = z.coerce.number().int().min(0);
const url = z.url({ protocol: /^https?$/ });
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const environment = z.object({
  PORT: optional(port),
  HOST: optional(z.string()),
  DATABASE_URL: optional(z.string()),
  DATABASE_DIRECT_URL: optional(z.string()),
  FILES_URL: optional(z.string()),
  AWS_ACCESS_KEY_ID: optional(z.string()),
  AWS_SECRET_ACCESS_KEY: optional(z.string()),
  AWS_SESSION_TOKEN: optional(z.string()),
  AWS_REGION: optional(z.string().regex(/^[\w-]+$/)),
  AWS_ENDPOINT_URL_S3: optional(url),
  WAKE: optional(z.enum(['local', 'bullmq', 'cloud-tasks'])),
  REDIS_URL: optional(z.string()),
  CLOUD_TASKS_QUEUE: optional(z.string().regex(/^projects\/[\w.:-]+\/locations\/[\w-]+\/queues\/[\w-]+$/)),
  CLOUD_TASKS_TARGET_URL: optional(url),
  CLOUD_TASKS_SERVICE_ACCOUNT: optional(z.email()),
  CLOUD_TASKS_AUDIENCE: optional(z.string()),
  CLOUD_TASKS_API_URL: optional(url),
  CLOUD_TASKS_ISSUER: optional(list),
  CLOUD_TASKS_JWKS_URL: optional(url),
  GOOGLE_APPLICATION_CREDENTIALS: optional(z.string()),
  GCE_METADATA_HOST: optional(z.string().regex(/^[\w.:[\]-]+$/)),
  ADMIN_TOKEN: optional(z.string().min(16)),
  GRAPH_API_URL: optional(url),
  GRAPH_API_VERSION: optional(z.string().regex(/^v\d+\.\d+$/)),
  WHATSAPP_APP_SECRET: optional(list),
  WHATSAPP_VERIFY_TOKEN: optional(list),
  WHATSAPP_ACCESS_TOKEN: optional(z.string()),
  ANTHROPIC_API_KEY: optional(z.string()),
  ANTHROPIC_BASE_URL: optional(url),
  ASSISTANT_MODEL: optional(z.string()),
  NIGHTDESK_SECRET_KEY: optional(list),
  METRICS_TOKEN: optional(z.string()),
  METRICS_PORT: optional(port),
  STOP_DEADLINE_MS: optional(ms),
  DRAIN_DELAY_MS: optional(ms),
  RETENTION_DAYS: optional(z.coerce.number().min(8)),
  LOG_LEVEL: optional(z.enum(['debug', 'info', 'warn', 'error', 'silent'])),
  NODE_ENV: optional(z.string()),
  DEV_CLOCK_AHEAD_MS: optional(ms),
  DEV_MOMENTS_FD: optional(z.coerce.number().int().min(3).max(255)),
});

/** How to mend a key, where the schema's own words do not say it. */
const remedies: Partial<Record<keyof z.infer<typeof environment>, string>> = {
  PORT: 'a port from 0 to 65535, e.g. PORT=3000',
  WAKE: 'local for one process, or for several bullmq (with REDIS_URL) or cloud-tasks (with CLOUD_TASKS_QUEUE)',
  ...cloudTasksRemedies,
  ADMIN_TOKEN:
    'at least 16 characters that nobody can guess, or unset it: then there is no page of the queue',
  GRAPH_API_URL: 'an http or https address, e.g. https://graph.facebook.com',
  GRAPH_API_VERSION: 'a version of the Graph API, e.g. v26.0',
  ANTHROPIC_BASE_URL: 'an http or https address, with or without /v1 at its end',
  METRICS_PORT: 'a port from 0 to 65535',
  STOP_DEADLINE_MS: 'milliseconds, e.g. 10000',
  DRAIN_DELAY_MS: 'milliseconds, e.g. 5000',
  RETENTION_DAYS: 'days, at least 8: Meta repeats messages for 7',
  LOG_LEVEL: 'debug, info, warn, error or silent',
  DEV_CLOCK_AHEAD_MS: 'whole milliseconds, or unset it: it is for `nightdesk dev`',
  DEV_MOMENTS_FD: 'an inherited pipe from 3 to 255, or unset it: it is for `nightdesk dev`',
};

export interface Bucket {
  endpoint: string;
  bucket: string;
  prefix: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Of credentials that end by themselves. */
  temporaryToken: string | undefined;
}

/** A file has one owner at a time; a server of databases any number of processes. */
export type DatabaseAt =
  | { driver: 'sqlite'; path: string; dataFolder: string | null }
  | { driver: 'postgres'; url: string; directUrl: string | undefined; dataFolder: null };

export interface Config {
  host: string;
  port: number;
  /** Whether PORT was named; a default that is taken may be replaced, a named one may not. */
  portNamed: boolean;
  database: DatabaseAt;
  /** Where the bytes of files lie. */
  files: { driver: 'memory' } | { driver: 'folder'; path: string } | ({ driver: 's3' } & Bucket);
  graph: { baseUrl: string; version: string };
  appSecrets: string[];
  verifyTokens: string[];
  accessToken: string | undefined;
  anthropic: { apiKey: string | undefined; baseUrl: string | undefined; model: string | undefined };
  secretKeys: string[] | undefined;
  metrics: { token: string | undefined; port: number | undefined };
  /** How conversations are announced. */
  wake:
    | { driver: 'local' }
    | { driver: 'bullmq'; redis: RedisTarget }
    | { driver: 'cloud-tasks'; options: CloudTasksOptions };
  /** Opens the operator's page of the queue. */
  adminToken: string | undefined;
  stopDeadlineMs: number;
  drainDelayMs: number;
  retentionMs: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  production: boolean;
  /** What the supervisor of development asks for; never set in production. */
  dev: { clockAheadMs: number | undefined; momentsFd: number | undefined };
  roles: readonly Role[];
  file: NightdeskConfig;
}

export interface ConfigInput {
  env: Record<string, string | undefined>;
  folder: string;
  roles?: readonly string[];
}

/** Reads all of the configuration. @throws BadConfig */
export async function readConfig({ env, folder, roles: wanted }: ConfigInput): Promise<Config> {
  const parsed = environment.safeParse(env);
  if (!parsed.success) throw new BadConfig(problemOf(parsed.error));
  const e = parsed.data;
  const production = e.NODE_ENV === 'production';
  const database = databaseOf(e, folder);
  const config: Config = {
    host: e.HOST ?? '127.0.0.1',
    port: e.PORT ?? 3000,
    portNamed: e.PORT !== undefined,
    database,
    files: filesOf(e, folder, database),
    graph: {
      baseUrl: e.GRAPH_API_URL ?? 'https://graph.facebook.com',
      version: e.GRAPH_API_VERSION ?? 'v26.0',
    },
    appSecrets: e.WHATSAPP_APP_SECRET ?? [],
    verifyTokens: e.WHATSAPP_VERIFY_TOKEN ?? [],
    accessToken: e.WHATSAPP_ACCESS_TOKEN,
    anthropic: { apiKey: e.ANTHROPIC_API_KEY, baseUrl: e.ANTHROPIC_BASE_URL, model: e.ASSISTANT_MODEL },
    secretKeys: e.NIGHTDESK_SECRET_KEY,
    metrics: { token: e.METRICS_TOKEN, port: e.METRICS_PORT },
    wake: await wakeOf(e, folder),
    adminToken: e.ADMIN_TOKEN,
    stopDeadlineMs: e.STOP_DEADLINE_MS ?? limits.stopDeadlineMs,
    drainDelayMs: e.DRAIN_DELAY_MS ?? 0,
    retentionMs: (e.RETENTION_DAYS ?? 30) * 86_400_000,
    logLevel: e.LOG_LEVEL ?? 'info',
    production,
    dev: { clockAheadMs: e.DEV_CLOCK_AHEAD_MS, momentsFd: e.DEV_MOMENTS_FD },
    roles: rolesOf(wanted),
    file: await readConfigFile(folder),
  };
  if (config.appSecrets.length > 4)
    throw new BadConfig(
      'WHATSAPP_APP_SECRET names more than 4 secrets; four are enough to rotate one. Remove those that are no longer used.',
    );
  if (config.wake.driver === 'cloud-tasks') demandWholeRoles(config.roles);
  if (production) demandForProduction(config);
  return config;
}

function problemOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const key = String(issue.path[0]);
      const remedy = remedies[key as keyof typeof remedies];
      return `${key} cannot be used: ${issue.message}.${remedy === undefined ? '' : ` Set it to ${remedy}.`}`;
    })
    .join(' ');
}

function databaseOf(e: z.infer<typeof environment>, folder: string): DatabaseAt {
  const { DATABASE_URL: value = 'sqlite:./data/nightdesk.db', DATABASE_DIRECT_URL: directUrl } = e;
  if (value === 'sqlite::memory:') return { driver: 'sqlite', path: ':memory:', dataFolder: null };
  if (value.startsWith('sqlite:') && value.length > 'sqlite:'.length) {
    const path = resolve(folder, value.slice('sqlite:'.length));
    return { driver: 'sqlite', path, dataFolder: dirname(path) };
  }
  if (isPostgresUrl(value)) {
    demandShared(e, directUrl);
    return { driver: 'postgres', url: value, directUrl, dataFolder: null };
  }
  throw new BadConfig(
    'DATABASE_URL cannot be used: it names neither SQLite nor Postgres. Set it to sqlite:PATH, e.g. sqlite:./data/nightdesk.db, to postgres://USER:PASSWORD@HOST:5432/NAME, or to sqlite::memory: for a try.',
  );
}

const isPostgresUrl = (value: string) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value);

/** What several processes must have in common, and none can make by itself. */
function demandShared(e: z.infer<typeof environment>, directUrl: string | undefined): void {
  if (e.NIGHTDESK_SECRET_KEY === undefined)
    throw new BadConfig(
      'NIGHTDESK_SECRET_KEY is not set, and DATABASE_URL is Postgres: all processes seal tokens and sign buttons with one key. Set it to the same 32 or more random characters for each, e.g. of `openssl rand -base64 32`.',
    );
  if (directUrl !== undefined && !isPostgresUrl(directUrl))
    throw new BadConfig(
      "DATABASE_DIRECT_URL cannot be used: it is no address of Postgres. Set it to postgres://USER:PASSWORD@HOST:5432/NAME, Postgres' own port, or unset it where no pooler stands between.",
    );
}

async function wakeOf(e: z.infer<typeof environment>, folder: string): Promise<Config['wake']> {
  const { WAKE, REDIS_URL } = e;
  if (WAKE === 'cloud-tasks') return { driver: 'cloud-tasks', options: await readCloudTasks(e, folder) };
  if (WAKE !== 'bullmq') return { driver: 'local' };
  if (REDIS_URL === undefined)
    throw new BadConfig(
      'WAKE is bullmq, and REDIS_URL is not set. Set it to the Redis that all processes share, e.g. redis://127.0.0.1:6379, or unset WAKE to announce conversations inside this process.',
    );
  return { driver: 'bullmq', redis: readRedisUrl(REDIS_URL) };
}

/** Beside the database, unless it is said. */
function filesOf(
  e: z.infer<typeof environment>,
  folder: string,
  { driver, dataFolder }: DatabaseAt,
): Config['files'] {
  const { FILES_URL: value } = e;
  if (value === undefined)
    return driver === 'sqlite' && dataFolder === null
      ? { driver: 'memory' }
      : { driver: 'folder', path: resolve(dataFolder ?? resolve(folder, 'data'), 'files') };
  if (value === 'memory:') return { driver: 'memory' };
  if (value.startsWith('folder:') && value.length > 'folder:'.length)
    return { driver: 'folder', path: resolve(folder, value.slice('folder:'.length)) };
  const [, bucket, prefix = ''] = /^s3:\/\/([\w.-]+)(?:\/([\w.-]+(?:\/[\w.-]+)*)?\/?)?$/.exec(value) ?? [];
  if (bucket === undefined)
    throw new BadConfig(
      'FILES_URL cannot be used: files lie in a folder or a bucket. Set it to folder:PATH, e.g. folder:./data/files, or to s3://BUCKET/PREFIX, or unset it to keep them beside the database.',
    );
  return { driver: 's3', ...bucketOf(e, bucket, prefix) };
}

function bucketOf(e: z.infer<typeof environment>, bucket: string, prefix: string): Bucket {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = e;
  const { AWS_REGION: region = 'us-east-1', AWS_SESSION_TOKEN: temporaryToken } = e;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new BadConfig(
      'FILES_URL names a bucket, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set. Set both to a key that may get, put, delete and list there.',
    );
  const endpoint = e.AWS_ENDPOINT_URL_S3 ?? `https://s3.${region}.amazonaws.com`;
  return { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey, temporaryToken };
}

function rolesOf(wanted: readonly string[] | undefined): readonly Role[] {
  if (wanted === undefined) return roles;
  for (const role of wanted)
    if (!(roles as readonly string[]).includes(role))
      throw new BadConfig(
        `There is no role "${role}". Roles are ${roles.join(', ')}; without --roles a process runs all of them.`,
      );
  return roles.filter((role) => wanted.includes(role));
}

function demandForProduction(config: Config): void {
  if (config.dev.clockAheadMs !== undefined)
    throw new BadConfig(
      'DEV_CLOCK_AHEAD_MS is set together with NODE_ENV=production: a clock that can be moved would answer customers too late and forget their messages too soon. Unset one of the two.',
    );
  if (config.dev.momentsFd !== undefined)
    throw new BadConfig(
      'DEV_MOMENTS_FD is set together with NODE_ENV=production, where nobody watches single messages. Unset one of the two.',
    );
  if (config.secretKeys === undefined)
    throw new BadConfig(
      'NIGHTDESK_SECRET_KEY is not set. In production it encrypts tokens at rest and signs buttons; set it to at least 32 random characters and keep it safe.',
    );
  if (config.database.driver === 'sqlite' && config.database.path === ':memory:')
    throw new BadConfig(
      'DATABASE_URL is sqlite::memory:, which forgets everything at a stop. In production name a file, e.g. sqlite:/var/lib/nightdesk/nightdesk.db.',
    );
}

/**
 * Configuration: environment variables and, if it is there, `nightdesk.config.ts`. All of it is checked before any port
 * opens; what is wrong is said once, with the key and how to mend it.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Dialog } from '#core/dialog/dialog.ts';
import { configureLimits, limits } from '#core/limits.ts';
import { codeOf, KnownError, messageOf } from '#core/model/faults.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { World } from '#core/ports/world.ts';

export const roles = ['webhook', 'turn', 'activity', 'outbox', 'console'] as const;
export type Role = (typeof roles)[number];

/** What `nightdesk.config.ts` exports by default. */
export interface NightdeskConfig {
  dialogs?: Dialog[];
  /** Makes the model that the assistant asks; without it Claude, or the demo model where there is no key. */
  model?: (world: World) => ModelClient | Promise<ModelClient>;
  /** Makes what turns voice notes into words; without it customers are told that they cannot be read. */
  transcriber?: (world: World) => Transcriber | Promise<Transcriber>;
  /** Other values for limits of `src/core/limits.ts`. */
  limits?: Partial<Record<string, number>>;
}

/** Configuration that cannot work. The message is for a person. */
export class BadConfig extends KnownError {
  override readonly name = 'BadConfig';
}

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
  WAKE: optional(z.enum(['local'])),
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
});

/** How to mend a key, where the schema's own words do not say it. */
const remedies: Partial<Record<keyof z.infer<typeof environment>, string>> = {
  PORT: 'a port from 0 to 65535, e.g. PORT=3000',
  WAKE: 'local, the driver that this version has',
  GRAPH_API_URL: 'an http or https address, e.g. https://graph.facebook.com',
  GRAPH_API_VERSION: 'a version of the Graph API, e.g. v26.0',
  ANTHROPIC_BASE_URL: 'an http or https address, with or without /v1 at its end',
  METRICS_PORT: 'a port from 0 to 65535',
  STOP_DEADLINE_MS: 'milliseconds, e.g. 10000',
  DRAIN_DELAY_MS: 'milliseconds, e.g. 5000',
  RETENTION_DAYS: 'days, at least 8: Meta repeats messages for 7',
  LOG_LEVEL: 'debug, info, warn, error or silent',
};

export interface Config {
  host: string;
  port: number;
  /** Whether PORT was named; a default that is taken may be replaced, a named one may not. */
  portNamed: boolean;
  database: { path: string; dataFolder: string | null };
  graph: { baseUrl: string; version: string };
  appSecrets: string[];
  verifyTokens: string[];
  accessToken: string | undefined;
  anthropic: { apiKey: string | undefined; baseUrl: string | undefined; model: string | undefined };
  secretKeys: string[] | undefined;
  metrics: { token: string | undefined; port: number | undefined };
  stopDeadlineMs: number;
  drainDelayMs: number;
  retentionMs: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  production: boolean;
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
  const config: Config = {
    host: e.HOST ?? '127.0.0.1',
    port: e.PORT ?? 3000,
    portNamed: e.PORT !== undefined,
    database: databaseOf(e.DATABASE_URL ?? 'sqlite:./data/nightdesk.db', folder),
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
    stopDeadlineMs: e.STOP_DEADLINE_MS ?? limits.stopDeadlineMs,
    drainDelayMs: e.DRAIN_DELAY_MS ?? 0,
    retentionMs: (e.RETENTION_DAYS ?? 30) * 86_400_000,
    logLevel: e.LOG_LEVEL ?? 'info',
    production,
    roles: rolesOf(wanted),
    file: await readFile(folder),
  };
  if (config.appSecrets.length > 4)
    throw new BadConfig(
      'WHATSAPP_APP_SECRET names more than 4 secrets; four are enough to rotate one. Remove those that are no longer used.',
    );
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

function databaseOf(value: string, folder: string): Config['database'] {
  if (value === 'sqlite::memory:') return { path: ':memory:', dataFolder: null };
  if (value.startsWith('sqlite:') && value.length > 'sqlite:'.length) {
    const path = resolve(folder, value.slice('sqlite:'.length));
    return { path, dataFolder: dirname(path) };
  }
  throw new BadConfig(
    `DATABASE_URL cannot be used: this version stores in SQLite. Set it to sqlite:PATH, e.g. sqlite:./data/nightdesk.db, or to sqlite::memory: for a try.`,
  );
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

async function readFile(folder: string): Promise<NightdeskConfig> {
  const path = ['nightdesk.config.ts', 'nightdesk.config.js']
    .map((name) => resolve(folder, name))
    .find((each) => existsSync(each));
  if (path === undefined) return {};
  let file: NightdeskConfig;
  try {
    file = ((await import(pathToFileURL(path).href)) as { default?: NightdeskConfig }).default ?? {};
  } catch (error) {
    throw new BadConfig(
      `${path} cannot be loaded: ${loadingProblemOf(error)}. It must be a module that exports the configuration by default.`,
    );
  }
  try {
    configureLimits(file.limits ?? {});
  } catch (error) {
    throw new BadConfig(`${path}, limits: ${messageOf(error)}`);
  }
  return file;
}

/** The parser's words may quote the file, and the file may hold keys: there the place must do. */
function loadingProblemOf(error: unknown): string {
  const isParsers = error instanceof SyntaxError;
  if (!isParsers || codeOf(error) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return messageOf(error);
  const line = /^\S+:(\d+)\n/.exec(error.stack ?? '')?.[1];
  return `it cannot be parsed${line === undefined ? '' : ` at line ${line}`}`;
}

function demandForProduction(config: Config): void {
  if (config.secretKeys === undefined)
    throw new BadConfig(
      'NIGHTDESK_SECRET_KEY is not set. In production it encrypts tokens at rest and signs buttons; set it to at least 32 random characters and keep it safe.',
    );
  if (config.database.path === ':memory:')
    throw new BadConfig(
      'DATABASE_URL is sqlite::memory:, which forgets everything at a stop. In production name a file, e.g. sqlite:/var/lib/nightdesk/nightdesk.db.',
    );
}

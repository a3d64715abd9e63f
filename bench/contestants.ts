/**
 * How the servers are started: Nightdesk as an operator starts it, on a real file or on a Postgres, and the usual recipe on a Redis that
 * syncs its file each second or with each write. All get the same secrets, model, paces and history, and send no read receipts, so that
 * all do the same work for one answer. To compare with another server, add it to `contestants`.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { callOwner } from '#surface/cli/command-socket.ts';
import { Child } from './child.ts';
import { observedEnvironment } from './observed.ts';
import { type Service, type ServiceName, startPostgres, startRedis } from './services.ts';

export const appSecret = 'app secret';

export interface BusinessNumber {
  id: string;
  wabaId: string;
  displayNumber: string;
}

export interface ContestantOptions {
  /** Of the simulator, for Graph and for the model. */
  simulatorUrl: string;
  numbers: readonly BusinessNumber[];
  sendsPerSecondMax: number;
  /** All by default. */
  roles?: readonly string[];
  /** Where a CPU profile is written at the stop. */
  profileFolder?: string;
  /** The server tells about its event loop and its heap. */
  observed?: boolean;
  /** Beside the usual one. */
  env?: Record<string, string>;
}

interface How {
  /** What one types to measure it alone. */
  key: string;
  needs: readonly ServiceName[];
  /** Where it says what became of a message, if it does. */
  truth: 'file' | 'Postgres' | null;
  start(options: ContestantOptions): Promise<Child>;
}

const nightdesk = resolve(import.meta.dirname, '../bin/nightdesk');
const historyMessagesMax = 10;

const described = {
  Nightdesk: { key: 'sqlite', needs: [], truth: 'file', start: startNightdesk },
  'Nightdesk on Postgres': {
    key: 'postgres',
    needs: ['Postgres'],
    truth: 'Postgres',
    start: async (options) => startOnPostgres(options, await startPostgres(), null),
  },
  'Nightdesk on Postgres, BullMQ': {
    key: 'bullmq',
    needs: ['Postgres', 'Redis'],
    truth: 'Postgres',
    // Its Redis keeps nothing on disk, since nothing but wakes is in it.
    start: async (options) => startOnPostgres(options, await startPostgres(), await startRedis(null)),
  },
  'usual recipe, everysec': {
    key: 'everysec',
    needs: ['Redis'],
    truth: null,
    start: async (options) => startRecipe(options, await startRedis('everysec')),
  },
  'usual recipe, always': {
    key: 'always',
    needs: ['Redis'],
    truth: null,
    start: async (options) => startRecipe(options, await startRedis('always')),
  },
} as const satisfies Record<string, How>;

export type Contestant = keyof typeof described;

/** In the order of the tables. */
export const contestants: Readonly<Record<Contestant, How>> = described;

/** The faster of the recipe's two. */
export const usualRecipe: Contestant = 'usual recipe, everysec';

const environment = ({ simulatorUrl, profileFolder }: ContestantOptions): Record<string, string> => ({
  GRAPH_API_URL: simulatorUrl,
  ANTHROPIC_API_KEY: 'key',
  ANTHROPIC_BASE_URL: simulatorUrl,
  ASSISTANT_MODEL: 'claude-haiku-5-5',
  WHATSAPP_APP_SECRET: appSecret,
  WHATSAPP_VERIFY_TOKEN: 'verify',
  WHATSAPP_ACCESS_TOKEN: 'token',
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${profileFolder === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profileFolder}`}`,
});

const tenantsOf = ({ numbers, sendsPerSecondMax }: ContestantOptions) => ({
  tenants: numbers.map((number, index) => ({
    id: `tenant-${index}`,
    phoneNumbers: [
      { ...number, sendsPerSecondMax, settings: { receipts: 'none' as const, historyMessagesMax } },
    ],
  })),
});

/** On a file. */
export async function startNightdesk(options: ContestantOptions): Promise<Child> {
  const child = new Child();
  await begin(child, options, {});
  await callOwner(join(child.folder, 'data', 'nightdesk.db'), 'tenants.apply', { file: tenantsOf(options) });
  return child;
}

/** The services end with the server. */
export async function startOnPostgres(
  options: ContestantOptions,
  postgres: Service,
  redis: Service | null,
): Promise<Child> {
  const child = new Child(redis === null ? [postgres] : [postgres, redis]);
  const env: Record<string, string> = {
    DATABASE_URL: postgres.url,
    NIGHTDESK_SECRET_KEY: 'a key that all processes of a bench have in common',
    FILES_URL: `folder:${join(child.folder, 'files')}`,
    ...(redis === null ? { WAKE: 'local' } : { WAKE: 'bullmq', REDIS_URL: redis.url }),
  };
  const path = join(child.folder, 'tenants.json');
  writeFileSync(path, JSON.stringify(tenantsOf(options)));
  try {
    const place = {
      cwd: child.folder,
      env: { PATH: process.env.PATH ?? '', ...environment(options), ...env },
    };
    await promisify(execFile)(nightdesk, ['tenants', 'apply', path], place);
  } catch (error) {
    await child.stop();
    throw error;
  }
  await begin(child, options, env);
  return child;
}

async function begin(child: Child, options: ContestantOptions, env: Record<string, string>): Promise<void> {
  writeFileSync(join(child.folder, 'package.json'), '{ "type": "module" }\n');
  await child.start({
    command: nightdesk,
    args: ['start', ...(options.roles === undefined ? [] : ['--roles', options.roles.join(',')])],
    env: {
      ...environment(options),
      LOG_LEVEL: 'warn',
      ...(options.observed === true ? observedEnvironment(child.folder) : {}),
      ...env,
      ...options.env,
    },
    readyPath: '/readyz',
  });
}

/** With roles it takes webhooks alone. */
async function startRecipe(options: ContestantOptions, redis: Service): Promise<Child> {
  const child = new Child([redis]);
  await child.start({
    command: process.execPath,
    args: ['--conditions=nightdesk-source', resolve(import.meta.dirname, 'recipe/main.ts')],
    env: {
      ...environment(options),
      REDIS_URL: redis.url,
      SENDS_PER_SECOND_MAX: String(options.sendsPerSecondMax),
      HISTORY_MESSAGES_MAX: String(historyMessagesMax),
      RECIPE_HTTP: process.env.RECIPE_HTTP ?? 'platform',
      ...(options.roles === undefined ? {} : { RECIPE_WORKER: 'off' }),
    },
    readyPath: '/healthz',
  });
  return child;
}

/** The least that a webhook server can do: check the signature and answer. */
export async function startBareServer(): Promise<Child> {
  const child = new Child();
  await child.start({
    command: process.execPath,
    args: [resolve(import.meta.dirname, 'bare-server.ts')],
    env: { WHATSAPP_APP_SECRET: appSecret },
    readyPath: '/healthz',
  });
  return child;
}

/**
 * How the two servers are started: Nightdesk as an operator starts it, on a real file, and the usual recipe. Both get
 * the same secrets, model, paces and history, and send no read receipts, so that both do the same work for one answer.
 * To compare with another server, add how it is started.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { callOwner } from '#surface/cli/command-socket.ts';
import { Child } from './child.ts';
import { observedEnvironment } from './observed.ts';
import { redisUrl } from './redis.ts';

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

const historyMessagesMax = 10;
const shared = ({ simulatorUrl, profileFolder }: ContestantOptions): Record<string, string> => ({
  GRAPH_API_URL: simulatorUrl,
  ANTHROPIC_API_KEY: 'key',
  ANTHROPIC_BASE_URL: simulatorUrl,
  ASSISTANT_MODEL: 'claude-haiku-5-5',
  WHATSAPP_APP_SECRET: appSecret,
  WHATSAPP_VERIFY_TOKEN: 'verify',
  WHATSAPP_ACCESS_TOKEN: 'token',
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${profileFolder === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profileFolder}`}`,
});

export async function startNightdesk(options: ContestantOptions): Promise<Child> {
  const child = new Child();
  writeFileSync(join(child.folder, 'package.json'), '{ "type": "module" }\n');
  await child.start({
    command: resolve(import.meta.dirname, '../bin/nightdesk'),
    args: ['start', ...(options.roles === undefined ? [] : ['--roles', options.roles.join(',')])],
    env: {
      ...shared(options),
      LOG_LEVEL: 'warn',
      ...(options.observed === true ? observedEnvironment(child.folder) : {}),
      ...options.env,
    },
    readyPath: '/readyz',
  });
  const tenants = options.numbers.map((number, index) => ({
    id: `tenant-${index}`,
    phoneNumbers: [
      {
        ...number,
        sendsPerSecondMax: options.sendsPerSecondMax,
        settings: { receipts: 'none', historyMessagesMax },
      },
    ],
  }));
  await callOwner(join(child.folder, 'data', 'nightdesk.db'), 'tenants.apply', { file: { tenants } });
  return child;
}

export async function startRecipe(options: ContestantOptions): Promise<Child> {
  const child = new Child();
  await child.start({
    command: process.execPath,
    args: ['--conditions=nightdesk-source', resolve(import.meta.dirname, 'recipe/main.ts')],
    env: {
      ...shared(options),
      REDIS_URL: redisUrl,
      SENDS_PER_SECOND_MAX: String(options.sendsPerSecondMax),
      HISTORY_MESSAGES_MAX: String(historyMessagesMax),
      RECIPE_HTTP: process.env.RECIPE_HTTP ?? 'platform',
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

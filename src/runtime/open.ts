/**
 * Opens what a process works with, from its configuration: the world, the store, the secrets, the model. Errors come
 * before any port is opened.
 */
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import type { World } from '#core/ports/world.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import type { Config } from './config.ts';
import { openFileDriver } from './files.ts';
import { createNightdesk, type Nightdesk, type NightdeskParts } from './nightdesk.ts';
import type { OnPostgres } from './postgres.ts';
import { type OpenedWake, openWake } from './wake.ts';
import { openSecrets, type Secrets } from './world/secrets.ts';

/** @throws StoreRefused where the store cannot be had. */
export function openStore({ database }: Config, world: World): Store {
  if (database.driver !== 'sqlite')
    throw new TypeError(`A store on ${database.driver} is not opened as a file.`);
  return openSqliteStore({
    path: database.path,
    soon: world.timers.soon,
    monotonicMs: () => world.clock.monotonicMs(),
    random: world.random,
    ...(world.crashPoints === undefined ? {} : { crashPoints: world.crashPoints }),
  });
}

/** Claude with a key, the model of nightdesk.config.ts where there is one, else the demo model, which says so. */
export async function openModel(config: Config, world: World): Promise<ModelClient> {
  if (config.file.model !== undefined) return config.file.model(world);
  const { apiKey, baseUrl, model } = config.anthropic;
  if (apiKey !== undefined) {
    const [{ createAnthropicModel }, { fetchOver }] = await Promise.all([
      import('./models/anthropic.ts'),
      import('./models/fetch-over-http.ts'),
    ]);
    return createAnthropicModel({
      apiKey,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(model === undefined ? {} : { model }),
      fetch: fetchOver(world.http, { purpose: 'model' }),
    });
  }
  const { createDemoModel } = await import('./models/demo.ts');
  world.log.warn(
    {},
    'ANTHROPIC_API_KEY is not set: a built-in demo model answers. Set the key to let Claude answer.',
  );
  return createDemoModel({ timers: world.timers });
}

/** Only the one of nightdesk.config.ts: Claude hears nothing, and a demo would say what nobody said. */
export async function openTranscriber(config: Config, world: World): Promise<Transcriber | undefined> {
  return config.file.transcriber?.(world);
}

/** For commands without a server: no station runs, so nothing asks a model. */
export const noModel: ModelClient = {
  name: 'none',
  reply: () =>
    Promise.reject(new Error('A command asked a model, although only a started server answers customers.')),
};

export interface Given {
  /** Opens another store than one that works on the caller’s event loop. @throws StoreRefused where it cannot be had */
  openStore?: () => Promise<Store>;
  /** With a model those of the configuration are not made. */
  model?: ModelClient;
  transcriber?: Transcriber;
  /** A command runs no turns and ends at once: what it announces is found by the server's sweep. */
  isCommand?: true;
}

/** Everything but the doors. */
export async function openNightdesk(config: Config, world: World, given: Given = {}): Promise<Nightdesk> {
  const secrets = openSecrets(config);
  const { database } = config;
  if (database.driver === 'postgres') return openOnPostgres({ ...config, database }, world, secrets, given);
  const store = await (given.openStore?.() ?? openStore(config, world));
  return compose(config, world, { store, secrets, singleOwner: true }, given);
}

/** By the clock of the database, unless development moves ours. */
async function openOnPostgres(
  config: OnPostgres,
  world: World,
  secrets: Secrets,
  given: Given,
): Promise<Nightdesk> {
  const { openPostgres } = await import('./postgres.ts');
  const { clock, ...opened } = await openPostgres(config, world);
  return compose(config, { ...world, clock }, { ...opened, secrets, singleOwner: false }, given);
}

type Opened = Pick<NightdeskParts, 'store' | 'secrets' | 'singleOwner' | 'notices' | 'ownerId'>;

async function compose(config: Config, world: World, opened: Opened, given: Given): Promise<Nightdesk> {
  const { store } = opened;
  let queue: OpenedWake = {};
  try {
    const model = given.model ?? (await openModel(config, world));
    const transcriber = given.model === undefined ? await openTranscriber(config, world) : given.transcriber;
    const models = { model, ...(transcriber === undefined ? {} : { transcriber }) };
    const files = await openFileDriver(config, world);
    if (given.isCommand !== true) queue = await openWake(config, world);
    return createNightdesk({ ...{ config, world, ...opened, files, ...models }, ...queue });
  } catch (error) {
    await queue.wake?.stop();
    await store.close();
    throw error;
  }
}

/**
 * A store on Postgres with what several processes need around it: the clock that they share, and the notices by which they tell each other
 * of work. The driver and its library are loaded only here. Closing the store ends all of it.
 */
import { makeId } from '#core/model/ids.ts';
import type { Notices } from '#core/ports/notices.ts';
import type { Store } from '#core/ports/store.ts';
import type { Clock, World } from '#core/ports/world.ts';
import { BadConfig, type Config, type DatabaseAt } from './config.ts';

export type OnPostgres = Config & { database: Extract<DatabaseAt, { driver: 'postgres' }> };

export interface OpenedPostgres {
  store: Store;
  notices: Notices;
  ownerId: string;
  clock: Clock;
}

/** @throws BadConfig without the library, PostgresRefused, Fault storeUnavailable */
export async function openPostgres(config: OnPostgres, world: World): Promise<OpenedPostgres> {
  const driver = await loadDriver();
  const { url, directUrl } = config.database;
  const ownerId = makeId('own', world.clock.nowMs(), world.random);
  const isMoved = config.dev.clockAheadMs !== undefined;
  const db = await driver.openDatabase({
    url,
    ...(directUrl === undefined ? {} : { directUrl }),
    clock: isMoved ? 'caller' : 'database',
    soon: world.timers.soon,
    ...(world.crashPoints === undefined ? {} : { crashPoints: world.crashPoints }),
  });
  try {
    await demandSafe(config, world, await driver.unsafeSettings(db));
    const followed = isMoved ? null : await driver.followClock(db, world);
    const { log, timers } = world;
    const notices = await driver.openPostgresNotices({
      ...{ url, ownerId, timers, log },
      ...(directUrl === undefined ? {} : { directUrl }),
    });
    const store = driver.storeOn(db);
    return {
      store: {
        ...store,
        async close() {
          followed?.stop();
          await notices.stop();
          await store.close();
        },
      },
      ...{ notices, ownerId, clock: followed?.clock ?? world.clock },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

export async function loadDriver(): Promise<typeof import('#store/postgres/index.ts')> {
  try {
    return await import('#store/postgres/index.ts');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new BadConfig(
      'DATABASE_URL is Postgres, and its client is not installed. Run `npm install pg`, then start again.',
    );
  }
}

/** A server that acknowledges what it may forget makes every promise of ours void. */
async function demandSafe({ production }: Config, { log }: World, unsafe: string[]): Promise<void> {
  if (unsafe.length === 0) return;
  const says = `Postgres runs with ${unsafe.join(' and ')}, so a crash of its machine loses messages that were acknowledged to Meta.`;
  if (production)
    throw new BadConfig(
      `${says} Set it back in postgresql.conf, reload, and start again; nothing was changed.`,
    );
  log.warn({}, `${says} Set it back before production, where Nightdesk refuses to start like this.`);
}

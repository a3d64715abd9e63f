/**
 * The clock of the database is everybody's: processes whose own clocks are seconds apart keep each other's leases, due times and
 * paces (I4, I6).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#core/ports/store.ts';
import { followClock, openDatabase, openPostgresStore } from '#store/postgres/index.ts';
import { openScene, wide } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
const skewMs = 5_000;
const soon = (fn: () => void) => void setImmediate(fn);
let schema: TestSchema;
let stores: Store[] = [];

describe.skipIf(!isHere)('clocks that are seconds apart', () => {
  beforeAll(async () => {
    schema = await makeSchema('clock');
  });
  afterAll(() => schema.drop());
  beforeEach(async () => {
    await schema.wipe();
    const open = () => openPostgresStore({ url: postgresUrl, schema: schema.name, connectionsMax: 2, soon });
    stores = [await open(), await open()];
    return async () => {
      for (const store of stores) await store.close();
    };
  });

  it('a process sets its clock by the database', async () => {
    const db = await openDatabase({ url: postgresUrl, schema: schema.name, soon });
    for (const aheadMs of [-3_600_000, -skewMs, 0, skewMs]) {
      const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };
      const timers = { after: () => () => {}, soon };
      const followed = await followClock(db, { clock, timers });
      const thereMs = await db.call<number>('clock_ms', {});
      expect(Math.abs(followed.clock.nowMs() - thereMs)).toBeLessThan(1_000);
      followed.stop();
    }
    await db.close();
  });

  it('I4: nobody takes over a lease because its own clock is ahead', async () => {
    const [slow, quick] = stores;
    const ref = await hear(slow);
    const nowMs = Date.now();
    const taken = await slow?.takeConversations({ refs: [ref], ownerId: 'own_slow', nowMs: nowMs - skewMs });
    expect(taken?.[0]?.outcome).toBe('taken');
    // By its own clock the lease ran out long ago.
    const again = await quick?.takeConversations({
      refs: [ref],
      ownerId: 'own_quick',
      nowMs: nowMs + 60_000,
    });
    expect(again?.[0]?.outcome).toBe('leased');
    const rescued = await quick?.rescue({ ownerId: 'own_quick', nowMs: nowMs + 60_000, all: false });
    expect(rescued?.conversations).toBe(0);
  });

  it('I6: two processes share one pace, whatever time each gives', async () => {
    const rules = { ...wide, numberPerSecond: 1, pairEveryMs: 1, pairBurst: 1_000 };
    const granted: boolean[] = [];
    for (let nth = 0; nth < 6; nth += 1) {
      const store = stores[nth % 2];
      const nowMs = Date.now() + (nth % 2 === 0 ? -skewMs : skewMs);
      const number = { tenantId: 'acme', phoneNumberId: '100', rules, nowMs };
      granted.push((await store?.grantReceipt(number)) === true);
    }
    // A receipt leaves only where there is room to spare, so at one a second hardly one of six at once does.
    expect(granted.filter(Boolean).length).toBeLessThanOrEqual(1);
  });
});

async function hear(store: Store | undefined) {
  if (store === undefined) throw new Error('Both stores are open.');
  const scene = await openScene(async () => ({ store, close: async () => {} }));
  return scene.say('hello');
}

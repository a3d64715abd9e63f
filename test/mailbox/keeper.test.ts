/** What the keeper does again and again: how soon the next time comes, by a clock that only the test moves. */
import { expect, it } from 'vitest';
import { limits } from '#core/limits.ts';
import type { Work } from '#core/ports/store.ts';
import { createKeeper, type Keeper, type KeeperDeps } from '#pipeline/mailbox/keeper.ts';
import { fakeWorld } from '#testing/fake-world.ts';

const nothing = () => {};
const nobody: Work = {
  ...{
    conversations: [],
    activities: [],
    charges: [],
    sends: [],
    nextTimerAtMs: null,
    nextUncertainAtMs: null,
  },
  tenantsVersion: '1',
};
const aBatch: Work['conversations'] = Array.from({ length: limits.sweepBatchMax }, (_, nth) => ({
  ref: { tenantId: 'acme', conversationId: `cnv_${nth}` },
  dueAtMs: 0,
}));

interface House {
  keeper: Keeper;
  /** Rows that may be pruned; each step takes `stepMs`. */
  oldRows: number;
  stepMs: number;
  prunedAtMs: number[];
  /** Conversations that are due in the store, and that this process knows of. */
  isBacklog: boolean;
  depth: number;
  sweptAtMs: number[];
  /** Lets all happen that is due in this time. */
  pass(ms: number): Promise<void>;
}

function openHouse(): House {
  const fake = fakeWorld(1);
  const sinceMs = () => fake.clock.monotonicMs();
  let alarms: { atMs: number; fire(): void }[] = [];
  const settle = () => new Promise<void>((done) => void setImmediate(done));
  const house: Omit<House, 'keeper'> = {
    ...{ oldRows: 0, stepMs: 10, prunedAtMs: [], isBacklog: false, depth: 0, sweptAtMs: [] },
    async pass(ms) {
      const endMs = sinceMs() + ms;
      for (;;) {
        const [next] = [...alarms].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > endMs) break;
        alarms = alarms.filter((each) => each !== next);
        fake.advance(Math.max(0, next.atMs - sinceMs()));
        next.fire();
        await settle();
      }
      fake.advance(Math.max(0, endMs - sinceMs()));
    },
  };
  const never = () => Promise.reject(new Error('Nobody asks for this here.'));
  const keeper = createKeeper({
    world: {
      ...{ clock: fake.clock, random: fake.random, http: { request: never } },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      timers: {
        soon: (fn) => void Promise.resolve().then(fn),
        after(ms, fire) {
          const alarm = { atMs: sinceMs() + ms, fire };
          alarms.push(alarm);
          return () => {
            alarms = alarms.filter((each) => each !== alarm);
          };
        },
      },
    },
    store: {
      rescue: async () => ({ conversations: 0, activities: 0, charges: 0, uncertain: 0 }),
      fireTimers: async () => ({ wakes: [], nextTimerAtMs: null }),
      renewLeases: async () => ({ lost: [] }),
      listIdleHolds: async () => [],
      handBack: never,
      async findWork() {
        house.sweptAtMs.push(sinceMs());
        return house.isBacklog ? { ...nobody, conversations: aBatch } : nobody;
      },
      async prune({ maxRows }) {
        house.prunedAtMs.push(sinceMs());
        fake.advance(house.stepMs);
        const removed = Math.min(maxRows, house.oldRows);
        house.oldRows -= removed;
        return removed;
      },
    } satisfies KeeperDeps['store'],
    wake: {
      ...{ notify: nothing, next: () => [], looked: nothing, onReady: nothing, stop: nothing },
      depth: () => house.depth,
    },
    directory: { tenant: () => undefined, phoneNumber: () => undefined, all: () => [] },
    telemetry: { count: nothing, observe: nothing },
    ...{ ownerId: 'own_1', only: ['conversations'], retentionMs: limits.retentionMs, known: () => [] },
    ...{ onLost: nothing, onActivities: nothing, onCharges: nothing, onSends: nothing, onUncertain: nothing },
    onTenants: async () => {},
  });
  return Object.assign(house, { keeper });
}

it('prunes what 500 messages a second leave behind, with pauses of four times what a step took', async () => {
  const house = openHouse();
  await house.keeper.start({ all: true });
  house.stepMs = 20;
  house.oldRows = Number.MAX_SAFE_INTEGER;
  await house.pass(60_000);
  expect(house.prunedAtMs.length * limits.pruneStepRows).toBeGreaterThan(60 * 500 * 4);
  expect(house.prunedAtMs.length * house.stepMs).toBeLessThanOrEqual(60_000 / (1 + limits.prunePauseTimes));
  const steps = house.prunedAtMs.length;
  house.stepMs = 1;
  await house.pass(10_000);
  expect(house.prunedAtMs.length - steps).toBeLessThanOrEqual(10_000 / limits.pruneAgainMinMs);
  house.keeper.stop();
});

it('looks for old rows now and then where a step found few, or another process is at it', async () => {
  const house = openHouse();
  await house.keeper.start({ all: true });
  house.oldRows = limits.pruneStepRows / 2 - 1;
  await house.pass(limits.pruneEveryMs);
  expect(house.oldRows).toBe(0);
  expect(house.prunedAtMs.length).toBeLessThanOrEqual(20);
  house.keeper.stop();
});

it('asks for the rest of a backlog when most of what it knows is worked off, and at any rate as often as ever', async () => {
  const house = openHouse();
  house.isBacklog = true;
  house.stepMs = 0;
  house.depth = limits.sweepBatchMax;
  await house.keeper.start({ all: true });
  await house.pass(4 * limits.sweepEveryMs);
  expect(house.sweptAtMs).toEqual([0, 1, 2, 3, 4].map((nth) => nth * limits.sweepEveryMs));
  house.depth = 0;
  await house.pass(1_000);
  expect(house.sweptAtMs.length).toBe(5 + 1_000 / limits.sweepAgainMs);
  house.keeper.stop();
});

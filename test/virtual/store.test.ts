import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { Store } from '#core/ports/store.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { wordsOf } from './measure.ts';
import { failingStore } from './store-faults.ts';
import { createTown, type Town } from './town.ts';

const contact = '16505551234';

function crowd(town: Town, count: number, everyMs: number): void {
  for (let i = 0; i < count; i += 1) {
    town.at(i * everyMs, () => void town.say(`1650777${1_000 + (i % 40)}`, `hello ${i}`));
  }
}

describe('a store that is away', () => {
  test('is met with 503, and Meta brings the messages back: nothing is lost, nothing doubled (I1, I3, I9)', async () => {
    const failing = failingStore(seededRandom(1));
    const town = await createTown({ wrapStore: failing.wrap });
    town.at(1_000, () => {
      failing.rates = { '*': 1 };
    });
    town.at(6_000, () => {
      failing.rates = {};
    });
    crowd(town, 60, 150);
    await town.world.advance(4_000);
    expect(town.events('webhookFailed').map((event) => event.httpStatus)).toContain(503);
    await town.world.advance(180_000);
    expect(wordsOf(town.answers()).sort()).toEqual(Array.from({ length: 60 }, (_, i) => `hello ${i}`).sort());
    expect(await town.flags()).toEqual([]);
    await town.expectQuiet();
  });

  test.each([1, 2, 3, 4])(
    'now and then, at any operation: nothing is lost, nothing doubled (I3, I4, I9; seed %i)',
    async (seed) => {
      const failing = failingStore(seededRandom(seed));
      const town = await createTown({ seed, wrapStore: failing.wrap });
      failing.rates = { '*': 0.15 };
      crowd(town, 80, 200);
      await town.world.advance(30_000);
      failing.rates = {};
      await town.world.advance(180_000);
      expect(failing.failures).toBeGreaterThan(100);
      expect(new Set(wordsOf(town.answers())).size).toBe(wordsOf(town.answers()).length);
      const flagged = await town.flags();
      expect(
        wordsOf(town.answers()).length + flagged.reduce((sum, flag) => sum + flag.count, 0),
      ).toBeGreaterThanOrEqual(80);
      expect((await town.audit()).missing).toEqual([]);
      await town.expectQuiet();
    },
  );

  test.each(['commitTurn', 'settleActivity', 'settleSends', 'grantSends', 'takeConversations'] as const)(
    'during %s alone: the work waits and is done once when it is back',
    async (operation) => {
      const failing = failingStore(seededRandom(1));
      const town = await createTown({ wrapStore: failing.wrap });
      failing.rates = { [operation]: 1 };
      town.say(contact, 'hello');
      await town.world.advance(12_000);
      expect(failing.failures).toBeGreaterThan(0);
      failing.rates = {};
      await town.world.advance(30_000);
      expect(town.texts()).toEqual(['Echo: hello']);
      await town.expectQuiet();
    },
  );

  test('what became of a send is stored when it is back, without the help of a status', async () => {
    const failing = failingStore(seededRandom(1));
    const town = await createTown({ wrapStore: failing.wrap });
    town.meta.faults.set({ statusLost: { rate: 1 } });
    failing.rates = { settleSends: 1 };
    town.say(contact, 'hello');
    await town.world.advance(5_000);
    failing.rates = {};
    await town.world.advance(5_000);
    expect(await town.store.listSends({ states: ['accepted'], max: 10 })).toHaveLength(1);
    await town.expectQuiet();
  });
});

test('an answer that cannot be stored as what it is leaves its send uncertain, not its lane closed (I11)', async () => {
  const refuse = (store: Store): Store => ({
    ...store,
    settleSends: async (input) => {
      const isAccepted = input.settlements.some(({ outcome }) => outcome.kind === 'accepted');
      if (isAccepted) throw new TypeError('This cannot be written.');
      return store.settleSends(input);
    },
  });
  const town = await createTown({ wrapStore: refuse });
  town.say(contact, 'one');
  town.at(5_000, () => void town.say(contact, 'two'));
  await town.world.advance(120_000);
  expect(town.texts()).toEqual(['Echo: one', 'Echo: two']);
  await town.expectQuiet();
});

test('a process that is paused between the grant and the write gives the slot back and writes later, once (I5, I6)', async () => {
  const failing = failingStore(seededRandom(1));
  const town = await createTown({ wrapStore: failing.wrap });
  let pauses = 1;
  failing.after.grantSends = () => {
    if (pauses-- > 0) town.world.pause(limits.sendWriteMaxMs + 1_000);
  };
  town.say(contact, 'hello');
  await town.world.advance(20_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  expect(await town.metric('nightdesk_sends_total', 'lateWrite')).toBe(1);
  const [send] = await town.store.listSends({ states: ['accepted'], max: 1 });
  expect(send?.attempts).toBe(1);
  await town.expectQuiet();
});

describe('a clock of the day that is set back', () => {
  test.each([3_000, 60_000, 3_600_000])('by %i ms silences nobody', async (backMs) => {
    const town = await createTown({ tenants: [{ id: 'acme', sendsPerSecondMax: 10 }] });
    crowd(town, 40, 50);
    await town.world.advance(2_500);
    town.world.stepClock(-backMs);
    crowd(town, 40, 50);
    await town.world.advance(60_000);
    expect(wordsOf(town.answers())).toHaveLength(80);
  });
});

describe('a restart on the same store', () => {
  test.each([50, 200, 301, 302, 350, 900])(
    'after a crash %i ms into a conversation resumes everything exactly once (I3, I5, I9)',
    async (crashAtMs) => {
      const town = await createTown({ tenants: [{ id: 'acme', sendsPerSecondMax: 20 }] });
      town.meta.faults.set({ latencyMs: { minMs: 50, maxMs: 50 } });
      crowd(town, 40, 10);
      await town.world.advance(crashAtMs);
      town.crash();
      await town.world.advance(2_000);
      await town.start();
      await town.world.advance(180_000);
      expect(wordsOf(town.answers()).sort()).toEqual(
        Array.from({ length: 40 }, (_, i) => `hello ${i}`).sort(),
      );
      expect(await town.flags()).toEqual([]);
      await town.expectQuiet();
    },
  );

  test('after an orderly stop nothing is uncertain, and what was not begun is begun', async () => {
    const town = await createTown({ tenants: [{ id: 'acme', sendsPerSecondMax: 20 }] });
    crowd(town, 40, 10);
    await town.world.advance(500);
    await town.stop();
    expect(await town.store.listSends({ states: ['sending', 'uncertain'], max: 10 })).toEqual([]);
    await town.start();
    await town.world.advance(60_000);
    expect(wordsOf(town.answers())).toHaveLength(40);
    await town.expectQuiet();
  });

  test('a stop leaves no timer behind', async () => {
    const town = await createTown();
    town.meta.faults.set({ graphError: [{ code: 131056, next: 5 }] });
    town.say(contact, 'hello', {});
    await town.world.advance(3_000);
    await town.stop();
    town.meta.reset();
    await town.world.advance(10_001);
    expect(town.world.waiting).toBe(0);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Wake } from '#core/ports/wake.ts';
import { createVirtualWorld } from '#testing/virtual-world.ts';
import { createLocalWake } from '#wake/local/index.ts';

const ref = (tenantId: string, conversationId: string) => ({ tenantId, conversationId });
const names = (wake: Wake, max: number) =>
  wake.next(max).map((each) => `${each.tenantId}${each.conversationId}`);

function setUp() {
  const world = createVirtualWorld({ seed: 1 });
  const wake = createLocalWake(world);
  let rings = 0;
  wake.onReady(() => {
    rings += 1;
  });
  return { world, wake, rings: () => rings };
}

describe('the local wake', () => {
  test('serves tenants in turns, and within one those first announced first', () => {
    const { wake } = setUp();
    for (let i = 0; i < 1_000; i += 1) wake.notify(ref('a', String(i)));
    wake.notify(ref('b', '0'));
    wake.notify(ref('b', '1'));
    expect(names(wake, 3)).toEqual(['a0', 'b0', 'a1']);
    expect(names(wake, 3)).toEqual(['b1', 'a2', 'a3']);
    expect(wake.depth()).toBe(996);
  });

  test('announcing twice is announcing once; what was taken can be announced again', () => {
    const { wake } = setUp();
    wake.notify(ref('a', '1'));
    wake.notify(ref('a', '1'));
    expect(names(wake, 10)).toEqual(['a1']);
    wake.notify(ref('a', '1'));
    expect(names(wake, 10)).toEqual(['a1']);
    expect(names(wake, 10)).toEqual([]);
  });

  test('a later time waits; of two later ones the one said last counts; now is now', async () => {
    const { world, wake } = setUp();
    wake.notify(ref('a', '1'), world.nowMs() + 1_000);
    wake.notify(ref('a', '1'), world.nowMs() + 3_000);
    wake.notify(ref('a', '2'), world.nowMs() + 5_000);
    await world.advance(2_999);
    expect(names(wake, 10)).toEqual([]);
    await world.advance(1);
    expect(names(wake, 10)).toEqual(['a1']);
    wake.notify(ref('a', '2'));
    expect(names(wake, 10)).toEqual(['a2']);
    await world.advance(10_000);
    expect(names(wake, 10)).toEqual([]);
  });

  test('rings once for what comes together, and again for what comes later', async () => {
    const { world, wake, rings } = setUp();
    for (let i = 0; i < 10; i += 1) wake.notify(ref('a', String(i)));
    await world.settle();
    expect(rings()).toBe(1);
    wake.notify(ref('b', '1'));
    await world.settle();
    expect(rings()).toBe(2);
  });

  test('leaves no timer behind when it stops, and sets none after', () => {
    const { world, wake } = setUp();
    wake.notify(ref('a', '1'), world.nowMs() + 1_000);
    wake.stop();
    wake.notify(ref('a', '2'), world.nowMs() + 1_000);
    expect(world.waiting).toBe(0);
  });

  test('forgets nothing: whatever was announced is taken once, whatever the order', async () => {
    const conversation = fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom(0, 10, 500),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(conversation, { maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        async (announced, max) => {
          const { world, wake } = setUp();
          for (const [tenantId, id, laterMs] of announced)
            wake.notify(ref(tenantId, String(id)), world.nowMs() + laterMs);
          await world.advance(1_000);
          const taken: string[] = [];
          for (let batch = names(wake, max); batch.length > 0; batch = names(wake, max)) taken.push(...batch);
          expect([...taken].sort()).toEqual(
            [...new Set(announced.map(([tenantId, id]) => `${tenantId}${id}`))].sort(),
          );
          expect(wake.depth()).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** The conformance suite of wakes on the local driver, in virtual time. On BullMQ: `test/wake/bullmq`. */
import { describe, test } from 'vitest';
import { createVirtualWorld } from '#testing/virtual-world.ts';
import { wakeConformance } from '#testing/wake-conformance.ts';
import { createLocalWake } from '#wake/local/index.ts';

const stepMs = 10;

describe('the local wake', () => {
  for (const { name, run } of wakeConformance(open, { keeps: false })) test(name, run);
});

async function open() {
  const world = createVirtualWorld({ seed: 1 });
  const wake = createLocalWake(world);
  return {
    wake,
    nowMs: () => world.nowMs(),
    async until(holds: () => boolean, withinMs: number) {
      const untilMs = world.nowMs() + withinMs;
      await world.settle();
      while (!holds()) {
        if (world.nowMs() >= untilMs) throw new Error(`It did not come within ${withinMs} ms.`);
        await world.advance(stepMs);
      }
    },
    async close() {
      await wake.stop();
    },
  };
}

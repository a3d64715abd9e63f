/** The conformance suite of wakes on BullMQ with a real Redis, by the machine's own clock. */
import { describe, test } from 'vitest';
import { wakeConformance } from '#testing/wake-conformance.ts';
import { openBullmqWake } from '#wake/bullmq/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { forget, openTestWorld, ownQueue, whyNoRedis } from './redis-server.ts';

const why = await whyNoRedis();

describe.skipIf(why !== null)(`wakes over BullMQ${why === null ? '' : ` (${why})`}`, () => {
  for (const { name, run } of wakeConformance(open, { keeps: true })) test(name, run);
});

async function open() {
  const world = openTestWorld();
  const redis = ownQueue();
  const openOne = () => openBullmqWake({ redis, world, local: createLocalWake(world), takes: true });
  let wake = await openOne();
  return {
    wake,
    nowMs: world.clock.nowMs,
    until: world.until,
    async reopen() {
      await wake.stop();
      wake = await openOne();
      return wake;
    },
    async close() {
      await wake.stop();
      await forget(redis);
      world.close();
    },
  };
}

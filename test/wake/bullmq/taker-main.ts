/** A process that takes one conversation off the queue, says so, and never ends its look. */
import { configureLimits } from '#core/limits.ts';
import { openBullmqWake, type RedisTarget } from '#wake/bullmq/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { openTestWorld } from './redis-server.ts';

const { redis, wakeLockMs } = JSON.parse(process.argv[2] ?? '{}') as {
  redis: RedisTarget;
  wakeLockMs: number;
};
configureLimits({ wakeLockMs });
const world = openTestWorld();
const wake = await openBullmqWake({ redis, world, local: createLocalWake(world), takes: true });
wake.onReady(() => {
  for (const { conversationId } of wake.next(1)) process.stdout.write(`took ${conversationId}\n`);
});
process.stdin.resume();

/**
 * Redis is lost: emptied, killed, cut off, not there from the start. Each time nothing throws, conversations are announced
 * on, an operator hears once of it and once of its end, and a stop ends. An error that nobody took up fails the run.
 */
import { afterEach, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { BullmqWake } from '#wake/bullmq/index.ts';
import { openBullmqWake } from '#wake/bullmq/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { openTestWorld, type RedisServer, startRedis, type TestWorld, whyNoServer } from './redis-server.ts';

const why = whyNoServer();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp() {
  const redis = await startRedis();
  const world = openTestWorld();
  closers.push(world.close, () => redis.close());
  const open = async (takes = true) => {
    const wake = await openBullmqWake({ redis: redis.target, world, local: createLocalWake(world), takes });
    if (takes) wake.onReady(() => {});
    closers.push(() => wake.stop());
    return wake;
  };
  return { redis, world, open };
}

const ref = (conversationId: string) => ({ tenantId: 'acme', conversationId });

/** Takes and looks until `conversationId` was seen. */
async function lookFor(world: TestWorld, wake: BullmqWake, conversationId: string): Promise<void> {
  await world.until(() => {
    const taken = wake.next(10);
    for (const each of taken) wake.looked(each);
    return taken.some((each) => each.conversationId === conversationId);
  });
}

const isThere = (wake: BullmqWake, state: 'here' | 'away') => () => wake.health().state === state;

/** What only Redis can have told: one process announces, another looks. */
async function passesOver(world: TestWorld, from: BullmqWake, to: BullmqWake, name: string): Promise<void> {
  from.notify(ref(name));
  await lookFor(world, to, name);
}

test.skipIf(why !== null)(
  'emptied while wakes wait, are looked at and are due later: it goes on',
  async () => {
    const { redis, world, open } = await setUp();
    const [wake, adder] = [await open(), await open(false)];
    await passesOver(world, adder, wake, 'before');
    wake.notify(ref('looked at'));
    wake.notify(ref('later'), world.clock.nowMs() + 60_000);
    let taken = wake.next(1);
    await world.until(() => {
      if (taken.length === 0) taken = wake.next(1);
      return taken.length > 0;
    });
    await redis.command('FLUSHALL');
    wake.notify(ref('looked at'));
    for (const each of taken) wake.looked(each);
    await lookFor(world, wake, 'looked at');
    await passesOver(world, adder, wake, 'after');
    expect(world.warnings).toEqual([]);
  },
);

test.skipIf(why !== null)('killed and started again empty: this process announces meanwhile', async () => {
  const { redis, world, open } = await setUp();
  const [wake, adder] = [await open(), await open(false)];
  await passesOver(world, adder, wake, 'before');
  await redis.kill();
  await world.until(isThere(wake, 'away'));
  await world.until(isThere(adder, 'away'));
  for (let i = 0; i < 100; i += 1) adder.notify(ref(`unheard ${i}`));
  expect(adder.depth()).toBe(0);
  wake.notify(ref('later'), world.clock.nowMs() + 50);
  await passesOver(world, wake, wake, 'meanwhile');
  await lookFor(world, wake, 'later');
  await redis.start();
  await world.until(isThere(wake, 'here'));
  await world.until(isThere(adder, 'here'));
  await passesOver(world, adder, wake, 'after');
  // Two processes, each of which tells once that it is away and once that it is back.
  expect(world.warnings.filter((line) => line.includes('is away'))).toHaveLength(2);
  expect(world.warnings.filter((line) => line.includes('is back'))).toHaveLength(2);
});

test.skipIf(why !== null)(
  'cut off, which nobody is told: found out by its silence, and by its answer',
  async () => {
    const { redis, world, open } = await setUp();
    const wake = await open();
    await passesOver(world, wake, wake, 'before');
    redis.pause();
    wake.notify(ref('into the silence'));
    await lookFor(world, wake, 'into the silence');
    expect(wake.health()).toEqual({ driver: 'bullmq', state: 'away' });
    redis.resume();
    await world.until(isThere(wake, 'here'));
    const other = await open(false);
    await passesOver(world, other, wake, 'after');
  },
);

test.skipIf(why !== null)('not there from the start: it is used when it comes', async () => {
  const { redis, world, open } = await setUp();
  await redis.kill();
  const wake = await open();
  await passesOver(world, wake, wake, 'without');
  expect(wake.health().state).toBe('away');
  await redis.start();
  await world.until(isThere(wake, 'here'));
  await passesOver(world, await open(false), wake, 'with');
});

test.skipIf(why !== null)('full, so that it takes no writes: away until there is room', async () => {
  const { redis, world, open } = await setUp();
  const wake = await open();
  await passesOver(world, wake, wake, 'before');
  await redis.command('CONFIG', 'SET', 'maxmemory', '1');
  await passesOver(world, wake, wake, 'meanwhile');
  expect(wake.health().state).toBe('away');
  await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  await world.until(isThere(wake, 'here'));
  expect(world.warnings).toHaveLength(2);
});

test.skipIf(why !== null)('while it is away, memory is bounded', async () => {
  const { redis, world, open } = await setUp();
  const wake = await open();
  await passesOver(world, wake, wake, 'before');
  await redis.kill();
  await world.until(isThere(wake, 'away'));
  for (let i = 0; i < limits.wakesHeldMax * 2; i += 1) wake.notify(ref(String(i)));
  expect(wake.depth()).toBe(limits.wakesHeldMax);
});

test.skipIf(why !== null).each<[string, (redis: RedisServer) => unknown]>([
  ['dead', (redis) => redis.kill()],
  ['silent', (redis) => redis.pause()],
])('a stop ends where Redis is %s and a look is under way', async (_, harm) => {
  const { redis, world, open } = await setUp();
  const wake = await open();
  wake.notify(ref('under way'));
  await world.until(() => wake.next(1).length > 0);
  await harm(redis);
  await wake.stop();
  wake.notify(ref('after the end'));
  expect(wake.next(1)).toEqual([]);
});

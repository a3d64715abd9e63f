/** Several processes on one queue: each wake is one job, also where the process that took it dies; and who goes first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { configureLimits, limits } from '#core/limits.ts';
import { type BullmqWake, MissingLibrary, openBullmqWake } from '#wake/bullmq/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { forget, openTestWorld, ownQueue, whyNoRedis } from './redis-server.ts';

const why = await whyNoRedis();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function setUp() {
  const redis = ownQueue();
  const world = openTestWorld();
  closers.push(world.close, () => forget(redis));
  const open = async (takes: boolean) => {
    const wake = await openBullmqWake({ redis, world, local: createLocalWake(world), takes });
    closers.push(() => wake.stop());
    return wake;
  };
  return { redis, world, open };
}

const ref = (tenantId: string, conversationId: string) => ({ tenantId, conversationId });
const nothing = () => {};

/** Takes and looks, one after the other; what was seen is added to `seen`. */
function look(wake: BullmqWake, seen: string[]): boolean {
  const taken = wake.next(1);
  for (const each of taken) {
    seen.push(`${each.tenantId}/${each.conversationId}`);
    wake.looked(each);
  }
  return taken.length > 0;
}

describe.skipIf(why !== null)(`several processes on one queue${why === null ? '' : ` (${why})`}`, () => {
  test('a wake is looked at by one of them, and those that run no turns take none', async () => {
    const { world, open } = setUp();
    const [one, two, adder] = [await open(true), await open(true), await open(false)];
    one.onReady(nothing);
    two.onReady(nothing);
    adder.onReady(nothing);
    const names = Array.from({ length: 200 }, (_, i) => `a/${i}`);
    for (const name of names) adder.notify(ref('a', name.slice(2)));
    const seen: string[][] = [[], [], []];
    await world.until(() => {
      for (const [i, wake] of [one, two, adder].entries()) look(wake, seen[i] ?? []);
      return seen.flat().length >= names.length;
    });
    expect(seen.flat().sort()).toEqual([...names].sort());
    expect(seen[2]).toEqual([]);
  });

  test('announced by another process while it is looked at, it is looked at again, and only then', async () => {
    const { world, open } = setUp();
    const [one, adder] = [await open(true), await open(false)];
    one.onReady(nothing);
    adder.notify(ref('a', '1'));
    await world.until(() => one.next(1).length > 0);
    adder.notify(ref('a', '1'));
    adder.notify(ref('a', '2'));
    const seen: string[] = [];
    await world.until(() => look(one, seen));
    expect(seen).toEqual(['a/2']);
    one.looked(ref('a', '1'));
    await world.until(() => look(one, seen));
    expect(seen).toEqual(['a/2', 'a/1']);
  });

  test('what a killed process had taken is found stalled and given to another', async () => {
    const before = { ...limits };
    closers.push(() => configureLimits(before));
    const wakeLockMs = 1_000;
    configureLimits({ wakeLockMs });
    const { redis, world, open } = setUp();
    const adder = await open(false);
    const program = fileURLToPath(new URL('./taker-main.ts', import.meta.url));
    const child = spawn(process.execPath, [
      ...['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning', program],
      JSON.stringify({ redis, wakeLockMs }),
    ]);
    adder.notify(ref('a', '1'));
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('took 1\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const other = await open(true);
    other.onReady(nothing);
    const seen: string[] = [];
    await world.until(() => look(other, seen));
    expect(seen).toEqual(['a/1']);
  });

  test('a person goes before a reminder, and a tenant’s first before another’s hundredth', async () => {
    const { world, open } = setUp();
    const [adder, late] = [await open(false), await open(true)];
    const before = { ...limits };
    closers.push(() => configureLimits(before));
    // One at a time, so that the order is the queue's and not the ready line's.
    configureLimits({ wakesTakenMax: 1 });
    adder.notify(ref('a', 'reminder'), undefined, 'timer');
    for (let i = 1; i <= 100; i += 1) adder.notify(ref('a', String(i)));
    adder.notify(ref('b', 'first'));
    await world.until(() => adder.depth() === 0);
    late.onReady(nothing);
    const seen: string[] = [];
    await world.until(() => {
      look(late, seen);
      return seen.length >= 102;
    });
    expect(seen.indexOf('b/first')).toBeLessThan(3);
    expect(seen.at(-1)).toBe('a/reminder');
  });

  test('a reminder that waits swallows no person, and comes early where it was due later', async () => {
    const { world, open } = setUp();
    const [adder, late] = [await open(false), await open(true)];
    adder.notify(ref('a', '1'), world.clock.nowMs() + 600_000, 'timer');
    await world.until(() => adder.depth() === 0);
    adder.notify(ref('a', '1'), undefined, 'timer');
    adder.notify(ref('a', '1'));
    await world.until(() => adder.depth() === 0);
    late.onReady(nothing);
    const seen: string[] = [];
    await world.until(() => {
      look(late, seen);
      return seen.length >= 1;
    });
    expect(seen).toEqual(['a/1']);
  });
});

test('without the packages it says what to install', async () => {
  vi.doMock('bullmq', () => {
    throw new Error('it is not there');
  });
  closers.push(() => vi.doUnmock('bullmq'));
  const world = openTestWorld();
  closers.push(world.close);
  const opened = openBullmqWake({ redis: ownQueue(), world, local: createLocalWake(world), takes: true });
  await expect(opened).rejects.toThrow(MissingLibrary);
  await expect(opened).rejects.toThrow('npm install bullmq ioredis');
});

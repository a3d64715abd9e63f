/** The real server with its wakes over BullMQ: customers are answered with Redis, without it, and when it is back empty. */
import { afterEach, expect, test } from 'vitest';
import { type SpawnedBot, spawnBot } from '#testing/index.ts';
import { ServerProcess } from '../proof/server-process.ts';
import { openTestWorld, type RedisServer, startRedis, whyNoServer } from '../wake/bullmq/redis-server.ts';

const why = whyNoServer();
const patienceMs = 60_000;
const token = 'the token of an operator';

const world = openTestWorld();

let bot: SpawnedBot | undefined;
let redis: RedisServer | undefined;

afterEach(async () => {
  await bot?.stop();
  await redis?.close();
  [bot, redis] = [undefined, undefined];
});

test.skipIf(why !== null)('Redis is killed between two messages, and comes back empty', async () => {
  redis = await startRedis();
  bot = await spawnBot({
    patienceMs,
    env: { WAKE: 'bullmq', REDIS_URL: `redis://127.0.0.1:${redis.port}`, ADMIN_TOKEN: token },
  });
  const { sim, url } = bot;
  const isSaid = (text: string) => world.until(() => bot?.output().includes(text) === true, patienceMs);
  const ana = sim.contact('Ana');

  await ana.says('with Redis');
  await ana.sees('Echo: with Redis');
  // That it was over Redis: no other process has numbered a wake there.
  expect(Number(await redis.command('GET', '{nightdesk}:wakes:id'))).toBeGreaterThan(0);
  const page = await fetch(`${url}/admin/queues`, { headers: { authorization: `Bearer ${token}` } });
  const script = /src="([^"]*\.js)"/.exec(await page.text())?.[1] ?? '';
  const loaded = await fetch(new URL(script, `${url}/admin/queues/`), {
    headers: { authorization: `Bearer ${token}` },
  });
  expect([page.status, loaded.status, script]).toEqual([200, 200, expect.stringContaining('static/')]);

  await redis.kill();
  await ana.says('without Redis');
  await ana.sees('Echo: without Redis');
  await isSaid('Redis is away');
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', wake: 'away' });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  await redis.start();
  await isSaid('Redis is back');
  await ana.says('with an empty one');
  await ana.sees('Echo: with an empty one');
  expect(Number(await redis.command('GET', '{nightdesk}:wakes:id'))).toBeGreaterThan(0);
  await bot.stop();
  expect(bot.output()).toContain('"Stopped."');
  bot = undefined;
});

test.skipIf(why !== null)('Redis and the server are told to end together: both do', async () => {
  redis = await startRedis();
  const server = new ServerProcess({
    simulatorUrl: 'http://127.0.0.1:9',
    env: { WAKE: 'bullmq', REDIS_URL: `redis://127.0.0.1:${redis.port}` },
  });
  try {
    await server.start();
    // It blocks on Redis, as it does all the time while nothing is to do.
    await world.until(
      async () => String(await redis?.command('CLIENT', 'LIST')).includes('cmd=bzpopmin'),
      patienceMs,
    );
    await redis.kill();
    expect(await server.stop()).toBe(0);
  } finally {
    await server.kill();
    server.remove();
  }
});

/** The operator's page of the queue: there only for whoever has the token, and slow to whoever guesses. */
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { BadConfig, readConfig } from '#runtime/config.ts';
import { openNightdesk } from '#runtime/open.ts';
import { startHttpSurface } from '#surface/http/server.ts';
import {
  forget,
  openTestWorld,
  ownQueue,
  startRedis,
  whyNoRedis,
  whyNoServer,
} from '../wake/bullmq/redis-server.ts';

const why = (await whyNoRedis()) ?? whyNoServer();
const token = 'a token of the test, long enough';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openDoor(env: Record<string, string>, roles?: string[]) {
  const world = openTestWorld();
  const base = { DATABASE_URL: 'sqlite::memory:', WAKE: 'bullmq', ADMIN_TOKEN: token, ...env };
  const config = await readConfig({ env: base, folder: '/', ...(roles === undefined ? {} : { roles }) });
  const nightdesk = await openNightdesk(config, world);
  await nightdesk.start();
  const http = await startHttpSurface({ nightdesk, host: '127.0.0.1', port: 0 });
  closers.push(world.close, async () => {
    await http.close();
    await nightdesk.stop({ deadlineMs: 0 });
    await nightdesk.store.close();
  });
  const url = `http://127.0.0.1:${http.port}`;
  const get = async (path: string, authorization?: string) => {
    const answer = await fetch(url + path, { headers: authorization === undefined ? {} : { authorization } });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  return { nightdesk, world, get, url };
}

function shared(): Record<string, string> {
  const redis = ownQueue();
  closers.push(() => forget(redis));
  const [{ host, port } = { host: '', port: 0 }] = redis.nodes;
  return { REDIS_URL: `redis://${host}:${port}?prefix=${encodeURIComponent(redis.prefix)}` };
}

const basic = (password: string) => `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`;

describe.skipIf(why !== null)(`the page of the queue${why === null ? '' : ` (${why})`}`, () => {
  test('shows the queue to whoever has the token, and changes nothing for them', async () => {
    const { nightdesk, world, get, url } = await openDoor(shared());
    for (const authorization of [basic(token), `Bearer ${token}`]) {
      const page = await get('/admin/queues', authorization);
      expect([page.status, page.text.includes('Nightdesk: wakes')]).toEqual([200, true]);
      expect(page.headers.get('cache-control')).toBe('no-store');
    }
    const inAWhileMs = world.clock.nowMs() + 600_000;
    nightdesk.wake.notify({ tenantId: 'acme', conversationId: '1' }, inAWhileMs);
    await world.until(async () =>
      (await get('/admin/queues/api/queues', basic(token))).text.includes('"delayed":1'),
    );
    const emptied = await fetch(`${url}/admin/queues/api/queues/wakes/clean/delayed`, {
      method: 'PUT',
      headers: { authorization: basic(token) },
    });
    expect(emptied.status).toBe(405);
  });

  test('asks everybody else for it, and soon not even that', async () => {
    const { get } = await openDoor(shared());
    for (const path of ['/admin/queues', '/admin/queues/api/queues', '/admin/queues/static/js/main.js']) {
      const page = await get(path);
      expect([page.status, page.text]).toEqual([401, '']);
      expect(page.headers.get('www-authenticate')).toContain('Basic');
    }
    const wrong = ['', token.slice(1), `${token} `, token.toUpperCase()];
    for (let i = 0; i < limits.adminTriesMax; i += 1)
      expect((await get('/admin/queues', basic(wrong[i % wrong.length] ?? ''))).status).toBe(401);
    const barred = await get('/admin/queues', basic(token));
    expect([barred.status, barred.headers.get('retry-after')]).toEqual([429, '60']);
  });

  test('is not there without a token, without the role, and without a queue', async () => {
    const doors = [
      await openDoor({ ...shared(), ADMIN_TOKEN: '' }),
      await openDoor(shared(), ['webhook']),
      await openDoor({ WAKE: 'local' }),
    ];
    for (const { get } of doors) expect((await get('/admin/queues', basic(token))).status).toBe(404);
  });

  test('says that Redis is away, which the health page tells and readiness survives', async () => {
    const redis = await startRedis();
    closers.push(() => redis.close());
    const { get, world, nightdesk } = await openDoor({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    await world.until(() => nightdesk.wake.health?.().state === 'here');
    expect(JSON.parse((await get('/healthz')).text)).toEqual({ status: 'ok', wake: 'here' });
    expect((await get('/metrics')).text).toContain('nightdesk_wake_queue_up 1');
    await redis.kill();
    await world.until(() => nightdesk.wake.health?.().state === 'away');
    expect((await get('/admin/queues', basic(token))).status).toBe(503);
    expect(JSON.parse((await get('/healthz')).text)).toEqual({ status: 'ok', wake: 'away' });
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/metrics')).text).toContain('nightdesk_wake_queue_up 0');
  });
});

test('a token that can be guessed is refused', async () => {
  const env = { DATABASE_URL: 'sqlite::memory:', ADMIN_TOKEN: 'too short' };
  await expect(readConfig({ env, folder: '/' })).rejects.toThrow(BadConfig);
  await expect(readConfig({ env, folder: '/' })).rejects.toThrow('ADMIN_TOKEN');
});

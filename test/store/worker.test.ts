/**
 * What a store in a worker thread must keep of one in its caller's thread beside the conformance suite: errors with their
 * class and code, the refusal of what comes too fast, crash points inside the commit, limits; and what only it has: calls
 * that travel together, data that cannot travel, and a thread that is gone.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configureLimits, limits } from '#core/limits.ts';
import { Fault, isFault, outlineOf } from '#core/model/faults.ts';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import type { Store } from '#core/ports/store.ts';
import { isOwned, StoreRefused } from '#store/sqlite/index.ts';
import { type RemoteOptions, type RemoteStore, remoteStore } from '#store/sqlite/worker/client.ts';
import { receivedError, sentError } from '#store/sqlite/worker/wire.ts';
import { Scene } from '#testing/store-conformance/scene.ts';

const limitsBefore = { ...limits };
let folder: string;
let path: string;
let worker: Worker;
let port: MessagePort;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-worker-'));
  path = join(folder, 'nightdesk.db');
  worker = new Worker(new URL('./serving-worker.ts', import.meta.url));
});

afterEach(async () => {
  configureLimits(limitsBefore);
  await worker.terminate();
  rmSync(folder, { recursive: true });
});

function remote(options: Partial<RemoteOptions> = {}): RemoteStore {
  const channel = new MessageChannel();
  port = channel.port1;
  worker.postMessage(channel.port2, [channel.port2]);
  return remoteStore({ port, path, limits: { ...limits }, soon: (fn) => void setImmediate(fn), ...options });
}

const sceneOn = (store: Store) => new Scene({ store, close: () => store.close() });

function countEvents(): number {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return (db.prepare('SELECT count(*) AS count FROM event').get() as { count: number }).count;
  } finally {
    db.close();
  }
}

test('a refusal to open comes with its class, its reason and its words', async () => {
  const first = await remote().open();
  const second = await remote()
    .open()
    .catch((error: unknown) => error);
  expect(second).toBeInstanceOf(StoreRefused);
  expect(second).toMatchObject({
    reason: 'owned',
    message: expect.stringContaining(`Another process owns the database ${path}.`),
  });
  expect(isOwned(path)).toBe(true);
  await first.close();
  expect(isOwned(path)).toBe(false);
  writeFileSync(path, 'this is no database, and long enough to be looked at by SQLite as one');
  await expect(remote().open()).rejects.toMatchObject({ name: 'StoreRefused', reason: 'corrupt' });
});

test('a fault keeps its class, code, disposition and cause; a bug keeps its kind and its places', () => {
  const cause = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR' });
  const fault = new Fault('storeUnavailable', 'no room', { disposition: 'snooze', retryAfterMs: 70, cause });
  const received = receivedError(structuredClone(sentError(fault)));
  expect(received).toBeInstanceOf(Fault);
  expect(received).toMatchObject({ code: 'storeUnavailable', disposition: 'snooze', retryAfterMs: 70 });
  expect(received.cause).toMatchObject({ message: 'disk I/O error', code: 'ERR_SQLITE_ERROR' });
  const bug = new TypeError('what a customer wrote');
  expect(outlineOf(receivedError(structuredClone(sentError(bug))))).toBe(outlineOf(bug));
});

test('a fault of the store reaches its caller alone', async () => {
  const store = await remote().open();
  const scene = sceneOn(store);
  const bad = scene
    .append(scene.message('hello', { wamid: 'wamid.\ud800' }))
    .catch((error: unknown) => error);
  const good = scene.append(scene.message('hello'));
  expect(isFault(await bad, 'badData')).toBe(true);
  expect((await good).stored).toBe(1);
  await store.close();
});

test('more bodies than may wait are refused at once, and the others are stored', async () => {
  configureLimits({ appendWaitingMax: 2 });
  const store = await remote().open();
  const scene = sceneOn(store);
  const ends = await Promise.allSettled(
    ['1', '2', '3'].map((wamid) => scene.append(scene.message('hello', { wamid }))),
  );
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(ends[2]).toMatchObject({ reason: { code: 'overloaded', retryAfterMs: limits.retryAfterMs } });
  // Statuses have a lane of their own, and room came back.
  await Promise.all([scene.append(scene.message('again')), scene.report(), scene.report()]);
  expect(countEvents()).toBe(3);
  await store.close();
});

test('calls of one round of the event loop travel together, and so do the answers of their commit', async () => {
  configureLimits({ groupCommitMsMax: 60_000 });
  const store = await remote().open();
  const sent: unknown[] = [];
  const post = port.postMessage.bind(port);
  port.postMessage = (message: unknown) => {
    sent.push(message);
    post(message);
  };
  let received = 0;
  port.on('message', () => {
    received += 1;
  });
  const scene = sceneOn(store);
  await Promise.all(['1', '2', '3', '4'].map((wamid) => scene.append(scene.message('hello', { wamid }))));
  expect(sent).toHaveLength(1);
  expect(received).toBe(1);
  await store.close();
});

test('limits of the caller are in force in the thread', async () => {
  configureLimits({ turnEventsMax: 2 });
  const store = await remote().open();
  const scene = sceneOn(store);
  const ref = await scene.say('one');
  await scene.say('two');
  await scene.say('three');
  const taken = await scene.take(ref);
  expect(taken.events).toHaveLength(2);
  expect(taken.more).toBe(true);
  await store.close();
});

test('the store waits inside its commit until the caller has looked at a crash point', async () => {
  const reached: [CrashPoint, number][] = [];
  const store = await remote({
    crashPoints: {
      reach: (point) => {
        if (point.startsWith('append')) reached.push([point, countEvents()]);
      },
    },
  }).open();
  const scene = sceneOn(store);
  await scene.append(scene.message('hello'));
  expect(reached).toEqual([
    ['append.beforeCommit', 0],
    ['append.afterCommit', 1],
  ]);
  await store.close();
});

test('what a dialog hands over is stored as JSON makes it, whatever cannot travel', async () => {
  const store = await remote().open();
  const scene = sceneOn(store);
  const taken = await scene.take(await scene.say('hello'));
  const price = { toJSON: () => '12.50', format: () => 'EUR 12.50' };
  const activity = { activityId: scene.id('act'), name: 'pay', deadlineMs: 1_000, claims: [] };
  const committed = await scene.commit(taken, {
    activities: [{ ...activity, input: { price, note: () => 'no data' } }],
  });
  expect(committed).toMatchObject({ activities: [{ input: { price: '12.50' } }] });
  await store.close();
});

test('a call that cannot travel fails by itself', async () => {
  const store = await remote().open();
  const scene = sceneOn(store);
  const bad = store.findConversation({ tenantId: (() => 't') as never, phoneNumberId: 'p', address: 'a' });
  const [refused, appended] = await Promise.allSettled([bad, scene.append(scene.message('hello'))]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'DataCloneError' } });
  expect(appended.status).toBe('fulfilled');
  await store.close();
});

test('close commits what waits, and refuses what comes afterwards', async () => {
  const store = await remote().open();
  const scene = sceneOn(store);
  const appended = scene.append(scene.message('hello'));
  await store.close();
  expect((await appended).stored).toBe(1);
  await expect(store.stats()).rejects.toMatchObject({ code: 'stopping' });
  await store.close();
});

test('where the thread is gone, what waits for it and what comes afterwards ends as a fault', async () => {
  const opened = remote();
  const store = await opened.open();
  const waiting = store.stats().catch((error: unknown) => error);
  const gone = once(worker, 'exit');
  void worker.terminate();
  await gone;
  opened.lost(new Error('terminated'));
  expect(isFault(await waiting, 'storeUnavailable')).toBe(true);
  await expect(store.stats()).rejects.toMatchObject({ code: 'storeUnavailable' });
});

/**
 * The conformance suite on the SQLite driver: in memory, on a real file (where a restart is a real one), on a file that
 * lives in a worker thread, and with ids from a chance that always says the same, so that the two tenants of a case share even their conversation ids.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { limits } from '#core/limits.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { remoteStore } from '#store/sqlite/worker/client.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { type OpenStore, storeConformance } from '#testing/store-conformance.ts';

const soon = (fn: () => void) => void setImmediate(fn);

const inMemory: OpenStore = async () => {
  const store = openSqliteStore({ path: ':memory:', soon, random: seededRandom(7) });
  return { store, close: () => store.close() };
};

const onFile: OpenStore = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-store-'));
  const random = seededRandom(7);
  const open = () => openSqliteStore({ path: join(folder, 'nightdesk.db'), soon, random });
  let store = open();
  return {
    store,
    async reopen() {
      await store.close();
      store = open();
      return store;
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

let serving: Worker;

const inWorker: OpenStore = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-store-'));
  const open = () => {
    const { port1: port, port2 } = new MessageChannel();
    serving.postMessage(port2, [port2]);
    return remoteStore({ port, path: join(folder, 'nightdesk.db'), limits, soon }).open();
  };
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

const withEqualIds: OpenStore = async () => {
  const store = openSqliteStore({ path: ':memory:', soon, random: () => 0.5 });
  return { store, close: () => store.close() };
};

describe('SQLite in memory', () => {
  for (const { name, run } of storeConformance(inMemory)) it(name, run);
});

describe('SQLite on a file', () => {
  for (const { name, run } of storeConformance(onFile)) it(name, run);
});

describe('SQLite in a worker thread', () => {
  beforeAll(() => {
    serving = new Worker(new URL('./serving-worker.ts', import.meta.url));
  });
  afterAll(() => serving.terminate());
  for (const { name, run } of storeConformance(inWorker)) it(name, run);
});

describe('SQLite where tenants share every id', () => {
  const cases = storeConformance(withEqualIds).filter(
    (each) => each.name.includes('same ids') || each.name.includes("the other's as they are"),
  );
  for (const { name, run } of cases) it(name, run);
});

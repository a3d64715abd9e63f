/**
 * Where the crash points of a commit stand, seen from another connection to the same file: before it nothing is there,
 * after it everything is, and nobody has been told yet.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import type { Store } from '#core/ports/store.ts';
import { migrations } from '#store/sqlite/database/schema.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { Scene } from '#testing/store-conformance/scene.ts';

interface Reached {
  point: CrashPoint;
  /** Events that another connection sees. */
  events: number;
  /** Callers that have been told. */
  told: number;
}

let folder: string;
let store: Store;
let scene: Scene;
let reached: Reached[];
let told: number;

const tables = () => rowsOf("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table'");

function rowsOf(sql: string): number {
  const db = new DatabaseSync(join(folder, 'nightdesk.db'), { readOnly: true });
  try {
    return (db.prepare(sql).get() as { count: number }).count;
  } finally {
    db.close();
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-points-'));
  reached = [];
  told = 0;
  store = openSqliteStore({
    path: join(folder, 'nightdesk.db'),
    soon: (fn) => void setImmediate(fn),
    random: seededRandom(3),
    crashPoints: {
      reach: (point) => {
        const events = point.startsWith('migrate') ? tables() : rowsOf('SELECT count(*) AS count FROM event');
        reached.push({ point, events, told });
      },
    },
  });
  scene = new Scene({ store, close: () => store.close() });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function append(wamid: string): Promise<void> {
  await scene.append(scene.message('hello', { wamid }));
  told += 1;
}

test('the schema of a new file', () => {
  const [before, after] = reached;
  const points = migrations.flatMap(() => ['migrate.beforeCommit', 'migrate.afterCommit']);
  expect(reached.map(({ point }) => point)).toEqual(points);
  expect(before?.events).toBe(0);
  expect(after?.events).toBeGreaterThan(10);
});

test('changes that share a commit reach their points together, and are told of afterwards', async () => {
  reached = [];
  const statuses = store.recordStatuses({ receivedAtMs: 1, statuses: [] });
  await Promise.all([append('wamid.1'), append('wamid.2'), statuses]);
  expect(reached).toEqual([
    { point: 'recordStatuses.beforeCommit', events: 0, told: 0 },
    { point: 'append.beforeCommit', events: 0, told: 0 },
    { point: 'append.beforeCommit', events: 0, told: 0 },
    { point: 'recordStatuses.afterCommit', events: 2, told: 0 },
    { point: 'append.afterCommit', events: 2, told: 0 },
    { point: 'append.afterCommit', events: 2, told: 0 },
  ]);
});

test('where one of a group fails, each of the others reaches the points of its own commit', async () => {
  reached = [];
  const first = append('wamid.1');
  const refused = append('wamid.\ud800').catch(() => {});
  await Promise.all([first, refused, append('wamid.2')]);
  expect(reached.map(({ point, events }) => [point, events])).toEqual([
    ['append.beforeCommit', 0],
    ['append.afterCommit', 1],
    ['append.beforeCommit', 1],
    ['append.afterCommit', 2],
  ]);
});

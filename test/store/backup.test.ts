/**
 * A copy of a database in use: whole, of one moment, under its name only when it is done; and what opens such a copy.
 */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#core/ports/store.ts';
import { migrations } from '#store/sqlite/database/schema.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { backUp, place } from '#store/sqlite/upkeep/backup.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { Scene } from '#testing/store-conformance/scene.ts';

const nowMs = Date.UTC(2026, 0, 31, 12);
let folder: string;
let from: string;
let to: string;
let opened: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-backup-'));
  from = join(folder, 'nightdesk.db');
  to = join(folder, 'copy');
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true });
});

function open(path = from, afterRestore = false): Store {
  const soon = (fn: () => void) => void setImmediate(fn);
  const store = openSqliteStore({ path, soon, random: seededRandom(3), afterRestore });
  opened.push(store);
  return store;
}

async function sceneWith(messages: number): Promise<Scene> {
  const store = open();
  const scene = new Scene({ store, close: () => store.close() });
  await scene.append(...Array.from({ length: messages }, (_, i) => scene.message(`hello ${i}`)));
  return scene;
}

const make = () => backUp({ from, to, nowMs });
const rests = () => readdirSync(folder).filter((name) => name.startsWith('copy'));
const refusal = { name: 'StoreRefused', reason: 'restored' };

describe('a copy', () => {
  it('is the database at one moment, in one file of its owner, while commits go on', async () => {
    const scene = await sceneWith(200);
    let isDone = false;
    const made = make().finally(() => {
      isDone = true;
    });
    let during = 0;
    while (!isDone) {
      await scene.append(scene.message('a', { wamid: `wamid.a.${during}` }));
      await scene.append(scene.message('b', { wamid: `wamid.b.${during}` }));
      during += 1;
    }
    const { rows, schema, bytes, takenAtMs } = await made;
    expect(during).toBeGreaterThan(0);
    expect(rows.event).toBeGreaterThanOrEqual(200);
    expect(rows.event).toBeLessThan(200 + 2 * during);
    expect({ schema, bytes, takenAtMs }).toEqual({
      ...{ schema: migrations.at(-1)?.version, bytes: statSync(to).size, takenAtMs: nowMs },
    });
    expect(rests()).toEqual(['copy']);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    const copy = new DatabaseSync(to, { readOnly: true });
    const count = (sql: string) => Number((copy.prepare(sql).get() as { count: number }).count);
    expect(count('SELECT count(*) AS count FROM event')).toBe(rows.event);
    expect(count('SELECT max(position) AS count FROM event')).toBe(rows.event);
    copy.close();
  });

  it('replaces nothing', async () => {
    await sceneWith(1);
    writeFileSync(to, 'somebody’s');
    await expect(make()).rejects.toMatchObject({ name: 'Fault', code: 'conflict' });
    expect(readFileSync(to, 'utf8')).toBe('somebody’s');
    expect(rests()).toEqual(['copy']);
  });

  it('replaces nothing either where the name is taken meanwhile, or where the disk has no links', () => {
    const copy = join(folder, 'made');
    const noLinks = () => {
      throw Object.assign(new Error('not supported'), { code: 'EPERM' });
    };
    writeFileSync(copy, 'a backup');
    place(copy, to, noLinks);
    expect(readFileSync(to, 'utf8')).toBe('a backup');
    writeFileSync(copy, 'another');
    for (const link of [noLinks, undefined])
      expect(() => place(copy, to, link)).toThrow(/is a file .* already/);
    expect(readFileSync(to, 'utf8')).toBe('a backup');
  });

  it('leaves nothing where its folder is missing, or where there is no database', async () => {
    await sceneWith(1);
    to = join(folder, 'missing', 'copy');
    await expect(make()).rejects.toMatchObject({ name: 'Fault', code: 'badRequest' });
    to = join(folder, 'copy');
    from = join(folder, 'text');
    writeFileSync(from, 'this is no database, but long enough to be looked at as one'.repeat(20));
    await expect(make()).rejects.toMatchObject({ name: 'StoreRefused', reason: 'corrupt' });
    expect(rests()).toEqual([]);
  });

  it('of a damaged database is not kept', async () => {
    await (await sceneWith(500)).close();
    const bytes = readFileSync(from);
    const pageBytes = bytes.readUInt16BE(16);
    // What says of the last page which kind it is.
    bytes.fill(0xff, bytes.length - pageBytes, bytes.length - pageBytes + 8);
    writeFileSync(from, bytes);
    await expect(make()).rejects.toMatchObject({ name: 'Fault', code: 'badData' });
    expect(rests()).toEqual([]);
  });
});

describe('a database that is a copy', () => {
  beforeEach(async () => {
    const scene = await sceneWith(1);
    await make();
    await scene.close();
    copyFileSync(to, from);
  });

  it('is refused, as it is, until somebody has held what was open in it', async () => {
    const before = readFileSync(from);
    expect(() => open()).toThrow(expect.objectContaining(refusal));
    expect(() => open()).toThrow(/backup of 2026-01-31T12:00:00.000Z.*nightdesk start --after-restore/);
    expect(readFileSync(from)).toEqual(before);
    await open(from, true).close();
    expect(() => open(), 'nobody has held anything').toThrow(expect.objectContaining(refusal));
    const store = open(from, true);
    const held = await store.holdAfterRestore({ nowMs: nowMs + 1 });
    expect(held).toMatchObject({ takenAtMs: nowMs, conversations: 1, messages: 1 });
    await store.close();
    expect((await open().listFlags({ open: true, max: 9 })).map(({ reason }) => reason)).toEqual([
      'restored',
    ]);
  });

  it('is as old as the first copy where it is copied again', async () => {
    const again = join(folder, 'again');
    await backUp({ from: to, to: again, nowMs: nowMs + 1 });
    const held = await open(again, true).holdAfterRestore({ nowMs: nowMs + 2 });
    expect(held.takenAtMs).toBe(nowMs);
  });

  it('is not mixed with the log of the database that was there before', () => {
    writeFileSync(`${from}-wal`, 'commits of another database');
    for (const afterRestore of [false, true])
      expect(() => open(from, afterRestore)).toThrow(/-wal beside it belongs to another one.*Move/);
    expect(existsSync(`${from}-wal`)).toBe(true);
  });
});

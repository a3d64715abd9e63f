/**
 * What only a file can show: one owner at a time, whose lock dies with it; files that are refused and left as they are;
 * a disk that is full for a while; and a process that is killed between two instructions. Real processes, real files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { openDatabase } from '#store/sqlite/database/database.ts';
import { isOwned, openSqliteStore, StoreRefused, storeOn } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { Scene } from '#testing/store-conformance/scene.ts';

const ownerProcess = fileURLToPath(new URL('./owner-process.ts', import.meta.url));
const options = { soon: (fn: () => void) => void setImmediate(fn), random: seededRandom(5) };

let folder: string;
let path: string;
let opened: Store[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-file-'));
  path = join(folder, 'nightdesk.db');
  opened = [];
  children = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child);
  rmSync(folder, { recursive: true });
});

function open(at = path): Store {
  const store = openSqliteStore({ path: at, ...options });
  opened.push(store);
  return store;
}

function sceneOn(store: Store): Scene {
  return new Scene({ store, close: () => store.close() });
}

function reasonOf(act: () => unknown): string {
  try {
    act();
    return 'opened';
  } catch (error) {
    return error instanceof StoreRefused ? error.reason : `no refusal: ${String(error)}`;
  }
}

/** Starts an owner of the file; `line(n)` is its n-th line, `lines` all that it has said. */
function startOwner(task: 'hold' | 'append') {
  const child = spawn(process.execPath, ['--conditions=nightdesk-source', ownerProcess, path, task], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  let heard: () => void = () => {};
  reader.on('line', (line) => {
    lines.push(line);
    heard();
  });
  const closed = once(reader, 'close');
  const line = async (index: number): Promise<string> => {
    while (lines.length <= index) {
      const next = new Promise<void>((resolve) => {
        heard = resolve;
      });
      await Promise.race([
        next,
        closed.then(() => Promise.reject(new Error(`The owner ended early: ${lines}`))),
      ]);
    }
    return lines[index] ?? '';
  };
  return { child, lines, line, closed };
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

describe('one owner', () => {
  it('a second owner in the same process is refused, and may come when the first has closed', async () => {
    const first = open();
    expect(isOwned(path)).toBe(true);
    expect(reasonOf(() => open())).toBe('owned');
    await first.close();
    expect(isOwned(path)).toBe(false);
    expect(reasonOf(() => open())).toBe('opened');
  });

  it('a second owner in another process is refused', async () => {
    open();
    const { line, child } = startOwner('hold');
    expect(await line(0)).toBe('refused owned');
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(2);
  });

  it('a link to the file is the file', () => {
    open();
    const link = join(folder, 'link.db');
    symlinkSync(path, link);
    expect(reasonOf(() => open(link))).toBe('owned');
    expect(isOwned(link)).toBe(true);
  });

  it('the lock dies with kill -9 of its owner', async () => {
    const { child, line } = startOwner('hold');
    expect(await line(0)).toBe('owned');
    expect(reasonOf(() => open())).toBe('owned');
    expect(isOwned(path)).toBe(true);
    await kill(child);
    expect(isOwned(path)).toBe(false);
    expect(reasonOf(() => open())).toBe('opened');
  });

  it('a file that nobody owns, or that is not there, is not owned, and asking leaves nothing behind', () => {
    expect(isOwned(path)).toBe(false);
    expect(isOwned(':memory:')).toBe(false);
    expect(reasonOf(() => open())).toBe('opened');
  });
});

describe('files that are refused', () => {
  it('a file that is no database is corrupt and stays as it is', () => {
    const garbage = Buffer.alloc(8_192, 'not a database ');
    writeFileSync(path, garbage);
    expect(reasonOf(() => open())).toBe('corrupt');
    expect(readFileSync(path).equals(garbage)).toBe(true);
    rmSync(path);
    expect(reasonOf(() => open())).toBe('opened');
  });

  it('a database that lost its end is corrupt', async () => {
    await open().close();
    truncateSync(path, 5_000);
    expect(reasonOf(() => open())).toBe('corrupt');
  });

  it('a newer schema is refused and stays as it is', async () => {
    const scene = sceneOn(open());
    await scene.say('hello');
    await scene.store.close();
    const raw = new DatabaseSync(path);
    raw.exec('PRAGMA user_version = 999; PRAGMA wal_checkpoint(TRUNCATE)');
    raw.close();
    const before = readFileSync(path);
    expect(reasonOf(() => open())).toBe('newer');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('a folder that cannot be made, and a path that is a folder, are unwritable', () => {
    writeFileSync(join(folder, 'file'), 'x');
    expect(reasonOf(() => open(join(folder, 'file', 'nightdesk.db')))).toBe('unwritable');
    expect(reasonOf(() => open(join(folder, 'file', 'deep', 'nightdesk.db')))).toBe('unwritable');
    expect(reasonOf(() => open(folder))).toBe('unwritable');
  });

  it('says what to do, with the path and without any content', () => {
    writeFileSync(path, Buffer.alloc(8_192, 'secret words '));
    const refused = (() => {
      try {
        open();
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    expect(refused).toContain(path);
    expect(refused).toContain('backup');
    expect(refused).not.toContain('secret');
  });

  it('missing folders are made', () => {
    expect(reasonOf(() => open(join(folder, 'a', 'b', 'nightdesk.db')))).toBe('opened');
  });
});

describe('a full disk', () => {
  it('refuses as storeUnavailable, damages nothing, and goes on when there is room again', async () => {
    const db = openDatabase(path);
    const store = storeOn(db, options);
    opened.push(store);
    const scene = sceneOn(store);
    await scene.say('before');
    const { page_count: pages } = db.raw.prepare('PRAGMA page_count').get() as { page_count: number };
    db.raw.exec(`PRAGMA max_page_count = ${pages + 20}`);
    const messages = Array.from({ length: 200 }, (_, i) =>
      scene.message('x'.repeat(1_000), { wamid: `wamid.${i}` }),
    );
    const acked: string[] = [];
    const refused: string[] = [];
    for (let i = 0; i < messages.length; i += 10) {
      const group = messages.slice(i, i + 10);
      const results = await Promise.allSettled(group.map((message) => scene.append(message)));
      for (const [j, result] of results.entries()) {
        const { wamid } = group[j]!;
        if (result.status === 'fulfilled') acked.push(wamid);
        else {
          expect(isFault(result.reason, 'storeUnavailable'), String(result.reason)).toBe(true);
          expect(result.reason.disposition).toBe('retry');
          refused.push(wamid);
        }
      }
    }
    expect(acked.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    expect((await store.stats()).mailboxDepth).toBe(1 + acked.length);
    expect(db.raw.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });

    db.raw.exec('PRAGMA max_page_count = 1000000');
    const again = await Promise.all(messages.map((message) => scene.append(message)));
    expect(again.filter((each) => each.duplicates === 1).length).toBe(acked.length);
    expect(again.filter((each) => each.stored === 1).length).toBe(refused.length);
    await store.close();
    expect((await open().stats()).mailboxDepth).toBe(1 + messages.length);
  });
});

describe('a file that is not where it was', () => {
  const unavailable = (error: unknown) => isFault(error, 'storeUnavailable');

  it('takes no commit while it is moved away, and goes on when it is back', async () => {
    const scene = sceneOn(open());
    await scene.say('before');
    renameSync(path, `${path}.away`);
    await expect(scene.append(scene.message('meanwhile'))).rejects.toSatisfy(unavailable);
    writeFileSync(path, '');
    await expect(scene.append(scene.message('into another'))).rejects.toSatisfy(unavailable);
    renameSync(`${path}.away`, path);
    await scene.say('after');
    expect((await scene.store.stats()).mailboxDepth).toBe(2);
  });

  it('takes no commit when its folder or its lock is removed', async () => {
    const first = sceneOn(open());
    rmSync(`${path}.lock`);
    await expect(first.append(first.message('unlocked'))).rejects.toSatisfy(unavailable);
    const second = sceneOn(open());
    await second.say('the second owner');
    rmSync(folder, { recursive: true });
    await expect(second.append(second.message('gone'))).rejects.toSatisfy(unavailable);
    mkdirSync(folder);
  });

  it('is not begun empty while its newest commits lie beside it, which SQLite would delete', async () => {
    const { child, line, closed } = startOwner('append');
    await line(20);
    await kill(child);
    await closed;
    renameSync(path, `${path}.away`);
    expect(reasonOf(() => open())).toBe('missing');
    expect(existsSync(`${path}-wal`)).toBe(true);
    renameSync(`${path}.away`, path);
    expect((await open().stats()).mailboxDepth).toBeGreaterThan(10);
  });
});

describe('a damaged file', () => {
  it('answers storeUnavailable where the damage shows only in use, so that Meta keeps the messages', async () => {
    const scene = sceneOn(open());
    for (let i = 0; i < 200; i++) await scene.say('x'.repeat(500), { from: { bsuid: `US.${i}` } });
    await scene.store.close();
    const file = readFileSync(path);
    file.fill(0xff, Math.floor(file.length / 2));
    writeFileSync(path, file);
    const after = sceneOn(open());
    const messages = Array.from({ length: 200 }, (_, i) =>
      after.message('y', { wamid: `wamid.new.${i}`, from: { bsuid: `US.${i}` } }),
    );
    const results = await Promise.allSettled(messages.map((message) => after.append(message)));
    const failed = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter((reason) => !isFault(reason, 'storeUnavailable'))).toEqual([]);
  });
});

describe('a killed process', () => {
  it('every acknowledged append is there after kill -9, once, in order', async () => {
    const { child, lines, line, closed } = startOwner('append');
    await line(400);
    await kill(child);
    await closed;
    const acked = lines.slice(1).filter((each) => each !== '');
    expect(acked.length).toBeGreaterThanOrEqual(400);

    const scene = sceneOn(open());
    await scene.store.rescue({ ownerId: 'own_new', nowMs: scene.nowMs, all: true });
    const { conversations } = await scene.store.findWork({ ownerId: 'own_new', nowMs: scene.nowMs, max: 10 });
    const found: string[] = [];
    for (const { ref } of conversations) {
      const positions: number[] = [];
      for (let more = true; more; ) {
        const taken = await scene.take(ref);
        await scene.commit(taken);
        more = taken.more;
        for (const event of taken.events) {
          found.push(event.wamid ?? '');
          positions.push(event.position);
        }
      }
      expect(positions).toEqual(positions.map((_, index) => index + 1));
    }
    expect(new Set(found).size).toBe(found.length);
    expect(acked.filter((wamid) => !found.includes(wamid))).toEqual([]);
  });
});

describe('closing', () => {
  it('commits what waits, then refuses everything as stopping', async () => {
    const store = open();
    const scene = sceneOn(store);
    const waiting = scene.append(scene.message('last words'));
    await Promise.all([store.close(), waiting]);
    for (const act of [() => scene.append(scene.message('late')), () => store.stats()])
      await expect(act()).rejects.toSatisfy((error) => isFault(error, 'stopping'));
    await store.close();
    expect((await open().stats()).mailboxDepth).toBe(1);
  });
});

/** The station of files on a real store and a real folder, with a clock that is moved and an uploader that counts. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { FileFault } from '#core/ports/files.ts';
import { MediaFault, type UploadCall } from '#core/ports/media.ts';
import type { Store } from '#core/ports/store.ts';
import { openFolder } from '#files/folder/index.ts';
import { createFilesStation, type FilesStation } from '#pipeline/files/station.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { type FakeWorld, fakeWorld } from '#testing/fake-world.ts';

const dayMs = 86_400_000;
const retentionMs = 30 * dayMs;
const png = { bytes: Buffer.from('a picture'), mimeType: 'image/png' };
const acme = { tenantId: 'acme', phoneNumberId: '100' };

let root: string;
let world: FakeWorld;
let store: Store;
let files: FilesStation;
let uploads: UploadCall[];
let counted: string[];
let answer: (call: UploadCall) => Promise<string>;
let token: string | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nightdesk-files-'));
  world = fakeWorld(1);
  store = openSqliteStore({ path: ':memory:', soon: (fn) => void setImmediate(fn), random: world.random });
  uploads = [];
  counted = [];
  token = 'EAAtoken';
  answer = async () => `media ${uploads.length}`;
  files = createFilesStation({
    world: {
      clock: world.clock,
      timers: { after: () => () => {}, soon: (fn) => fn() },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    },
    store,
    telemetry: { count: (_, labels) => void counted.push(String(labels?.result)), observe() {} },
    driver: openFolder(root),
    uploadMedia: (call) => {
      uploads.push(call);
      return answer(call);
    },
    tokenOf: () => token,
    retentionMs,
  });
});

afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true });
});

const faultOf = async (promise: Promise<unknown>): Promise<FileFault> => {
  const fault = await promise.catch((error: unknown) => error);
  if (!(fault instanceof FileFault)) throw new Error(`Expected a FileFault, got ${String(fault)}.`);
  expect(fault.message).not.toContain('EAAtoken');
  return fault;
};
const onDisk = () =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('keeping', () => {
  test('a file is known by its content, whoever puts it again', async () => {
    const one = await files.put({ ...acme, ...png });
    expect(one.fileId).toMatch(/^[0-9a-f]{64}$/);
    expect(await files.put({ ...acme, ...png })).toEqual(one);
    expect(await files.get(one)).toEqual(png);
    expect(onDisk()).toHaveLength(1);
  });

  test('a file of another tenant is not there', async () => {
    const { fileId } = await files.put({ ...acme, ...png });
    expect(await faultOf(files.get({ tenantId: 'other', fileId }))).toMatchObject({ code: 'gone' });
    expect(await faultOf(files.upload({ tenantId: 'other', phoneNumberId: '200', fileId }))).toMatchObject({
      code: 'gone',
    });
  });

  test('bytes that changed on the disk are not given out', async () => {
    const file = await files.put({ ...acme, ...png });
    writeFileSync(onDisk()[0]!, 'a pictore');
    expect(await faultOf(files.get(file))).toMatchObject({ code: 'damaged' });
    expect(await faultOf(files.upload({ ...file, phoneNumberId: '100' }))).toMatchObject({ code: 'damaged' });
    expect(uploads).toEqual([]);
  });

  test('a row whose bytes are gone is told as gone', async () => {
    const file = await files.put({ ...acme, ...png });
    rmSync(onDisk()[0]!);
    expect(await faultOf(files.get(file))).toMatchObject({ code: 'gone', retryable: false });
  });

  test('what is larger than may be kept is refused', async () => {
    const bytes = new Uint8Array(limits.fileBytesMax + 1);
    expect(await faultOf(files.put({ ...acme, bytes, mimeType: 'application/pdf' }))).toMatchObject({
      code: 'tooLarge',
    });
  });
});

describe('giving to Meta', () => {
  test('once for each number, until a day before Meta forgets it', async () => {
    const file = await files.put({ ...acme, ...png });
    const first = await files.upload({ ...file, phoneNumberId: '100' });
    expect(await files.upload({ ...file, phoneNumberId: '100' })).toBe(first);
    expect(uploads).toHaveLength(1);
    expect(uploads[0]).toMatchObject({ phoneNumberId: '100', mimeType: 'image/png', fileId: file.fileId });
    expect(await files.upload({ ...file, phoneNumberId: '101' })).not.toBe(first);
    expect(uploads).toHaveLength(2);
    world.advance(limits.uploadKeepMs - 1);
    expect(await files.upload({ ...file, phoneNumberId: '100' })).toBe(first);
    world.advance(1);
    expect(await files.upload({ ...file, phoneNumberId: '100' })).not.toBe(first);
    expect(uploads).toHaveLength(3);
    expect(counted).toEqual(['sent', 'known', 'sent', 'known', 'sent']);
    const forgottenAfterMs = 30 * dayMs;
    expect(limits.uploadKeepMs).toBe(forgottenAfterMs - dayMs);
  });

  test('many at once are one upload', async () => {
    const file = await files.put({ ...acme, ...png });
    let go = (_mediaId: string) => {};
    answer = () =>
      new Promise((resolve) => {
        go = resolve;
      });
    const all = Array.from({ length: 20 }, () => files.upload({ ...file, phoneNumberId: '100' }));
    await expect.poll(() => uploads.length).toBe(1);
    go('media of all');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['media of all']));
    expect(uploads).toHaveLength(1);
  });

  test('an upload that failed is not remembered', async () => {
    const file = await files.put({ ...acme, ...png });
    answer = () => Promise.reject(new MediaFault('noAnswer', 'none came', { retryable: true }));
    await expect(files.upload({ ...file, phoneNumberId: '100' })).rejects.toThrow('none came');
    answer = async () => 'media after all';
    expect(await files.upload({ ...file, phoneNumberId: '100' })).toBe('media after all');
    expect(counted).toEqual(['failed', 'sent']);
  });

  test.each([
    ['image/png', 5 * 1024 * 1024 + 1, 'tooLarge'],
    ['image/gif', 10, 'badType'],
    ['audio/ogg; codecs=opus', 10, null],
  ])('%s of %i bytes: %s', async (mimeType, size, code) => {
    const file = await files.put({ ...acme, bytes: new Uint8Array(size), mimeType });
    const upload = files.upload({ ...file, phoneNumberId: '100' });
    if (code === null) expect(await upload).toBe('media 1');
    else expect(await faultOf(upload)).toMatchObject({ code, retryable: false });
    expect(uploads).toHaveLength(code === null ? 1 : 0);
  });

  test.each([
    ['one that moves', 0b0000_0010, 500 * 1024],
    ['one that does not', 0b0001_0000, 100 * 1024],
    ['one without an extended header', null, 100 * 1024],
  ])('a sticker, %s', async (_, flags, max) => {
    const sticker = (size: number) => {
      const bytes = Buffer.alloc(size);
      bytes.write('RIFF', 0);
      bytes.write(flags === null ? 'WEBPVP8 ' : 'WEBPVP8X', 8);
      bytes.writeUInt8(flags ?? 0xff, 20);
      return files.put({ ...acme, bytes, mimeType: 'image/webp' });
    };
    const upload = async (size: number) => files.upload({ ...(await sticker(size)), phoneNumberId: '100' });
    expect(await upload(max)).toBe('media 1');
    const fault = await faultOf(upload(max + 1));
    expect(fault).toMatchObject({ code: 'tooLarge', retryable: false });
    expect(fault.message).toContain(`at most ${max} as sticker`);
  });

  test('without a token nothing is tried', async () => {
    const file = await files.put({ ...acme, ...png });
    token = undefined;
    expect(await faultOf(files.upload({ ...file, phoneNumberId: '100' }))).toMatchObject({
      code: 'notUploaded',
    });
    expect(uploads).toEqual([]);
  });
});

describe('letting go', () => {
  test('what nobody used for as long as messages are kept, bytes and all', async () => {
    const file = await files.put({ ...acme, ...png });
    world.advance(retentionMs);
    expect(await files.sweep()).toBe(0);
    world.advance(1);
    expect(await files.sweep()).toBe(1);
    expect(onDisk()).toEqual([]);
    expect(await faultOf(files.get(file))).toMatchObject({ code: 'gone' });
    expect(await files.sweep()).toBe(0);
  });

  test('a file stays while it is read', async () => {
    const file = await files.put({ ...acme, ...png });
    for (let use = 0; use < 3; use++) {
      world.advance(20 * dayMs);
      await files.get(file);
      expect(await files.sweep()).toBe(0);
    }
    expect(existsSync(onDisk()[0]!)).toBe(true);
  });

  test('a file stays while it is sent, also where Meta has it already', async () => {
    const file = await files.put({ ...acme, ...png });
    await files.upload({ ...file, phoneNumberId: '100' });
    world.advance(20 * dayMs);
    await files.upload({ ...file, phoneNumberId: '100' });
    expect(uploads).toHaveLength(1);
    world.advance(15 * dayMs);
    expect(await files.sweep()).toBe(0);
  });

  test('a file that is put while it is let go is there afterwards', async () => {
    const file = await files.put({ ...acme, ...png });
    world.advance(retentionMs + 1);
    const sweep = files.sweep();
    await files.put({ ...acme, ...png });
    await sweep;
    expect(await files.get(file)).toEqual(png);
  });

  test('a crash between the bytes and the row leaves nothing that stays', async () => {
    await files.put({ ...acme, ...png });
    rmSync(onDisk()[0]!);
    world.advance(retentionMs + 1);
    expect(await files.sweep()).toBe(1);
    expect(await store.listUnusedFiles({ unusedSinceMs: world.nowMs() + 1, max: 10 })).toEqual([]);
  });
});

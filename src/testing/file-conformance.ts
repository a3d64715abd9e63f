/**
 * What every driver of files must pass, as named cases, independent of any test runner. Run them like this:
 *
 *     for (const { name, run } of fileConformance(open)) test(name, run);
 *
 * Each case opens a driver of its own, empty. To add a case, add it to the list.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { FileDriver, FileRef } from '#core/ports/files.ts';

export interface FileConformanceCase {
  name: string;
  run(): Promise<void>;
}

/** An empty driver each time. */
export type OpenFiles = () => Promise<{ driver: FileDriver; close(): Promise<void> }>;

interface Case {
  name: string;
  body(driver: FileDriver): Promise<void>;
}

const mimeType = 'image/png';
const bytesOf = (text: string) => new TextEncoder().encode(text);
const refOf = (bytes: Uint8Array, tenantId = 'acme'): FileRef => ({
  tenantId,
  fileId: createHash('sha256').update(bytes).digest('hex'),
});
const put = (driver: FileDriver, bytes: Uint8Array, tenantId?: string) =>
  driver.put({ ...refOf(bytes, tenantId), bytes, mimeType });
const got = async (driver: FileDriver, file: FileRef) => {
  const bytes = await driver.get(file);
  return bytes === null ? null : Buffer.from(bytes);
};

/** Every value of a byte, and more of them than one chunk of a stream holds. */
const large = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);

const cases: readonly Case[] = [
  {
    name: 'what was put is what is got, byte by byte, also the largest and the empty one',
    async body(driver) {
      for (const bytes of [bytesOf('a picture'), large, new Uint8Array()]) {
        await put(driver, bytes);
        assert.deepEqual(await got(driver, refOf(bytes)), Buffer.from(bytes));
      }
    },
  },
  {
    name: 'what was never put is not there',
    async body(driver) {
      assert.equal(await driver.get(refOf(bytesOf('never'))), null);
    },
  },
  {
    name: 'the same file again, also many times at once, is the same file',
    async body(driver) {
      await Promise.all(Array.from({ length: 8 }, () => put(driver, large)));
      await put(driver, large);
      assert.deepEqual(await got(driver, refOf(large)), Buffer.from(large));
    },
  },
  {
    name: 'what was removed is not there, can be removed again, and can be put again',
    async body(driver) {
      const bytes = bytesOf('a picture');
      await put(driver, bytes);
      await driver.remove(refOf(bytes));
      await driver.remove(refOf(bytes));
      assert.equal(await driver.get(refOf(bytes)), null);
      await put(driver, bytes);
      assert.deepEqual(await got(driver, refOf(bytes)), Buffer.from(bytes));
    },
  },
  {
    name: 'equal files of two tenants are two files, whatever the tenants are called',
    async body(driver) {
      const bytes = bytesOf('a picture');
      const tenants = ['acme', 'ACME', 'acme.', '..', '.', 'a-c_m.e'];
      for (const tenantId of tenants) {
        assert.equal(await driver.get(refOf(bytes, tenantId)), null);
        await put(driver, bytes, tenantId);
      }
      await driver.remove(refOf(bytes, 'acme'));
      assert.equal(await driver.get(refOf(bytes, 'acme')), null);
      for (const tenantId of tenants.slice(1))
        assert.deepEqual(await got(driver, refOf(bytes, tenantId)), Buffer.from(bytes));
    },
  },
  {
    name: 'an id that is no digest is refused, so that nothing outside can be named',
    async body(driver) {
      for (const fileId of ['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(64)}/..`])
        await assert.rejects(async () => driver.get({ tenantId: 'acme', fileId }), TypeError);
    },
  },
  {
    name: 'who got a file cannot change what is kept',
    async body(driver) {
      const bytes = bytesOf('a picture');
      await put(driver, bytes);
      (await driver.get(refOf(bytes)))?.fill(0);
      assert.deepEqual(await got(driver, refOf(bytes)), Buffer.from('a picture'));
    },
  },
];

/** All cases on the driver that `open` opens. */
export function fileConformance(open: OpenFiles): FileConformanceCase[] {
  return cases.map(({ name, body }) => ({
    name,
    async run() {
      const { driver, close } = await open();
      try {
        await body(driver);
      } finally {
        await close();
      }
    },
  }));
}

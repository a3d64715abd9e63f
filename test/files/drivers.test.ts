import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileFault } from '#core/ports/files.ts';
import { openFolder } from '#files/folder/index.ts';
import { openMemory } from '#files/memory/index.ts';
import { fileConformance } from '#testing/file-conformance.ts';

describe('files in memory', () => {
  const open = async () => ({ driver: openMemory(), close: async () => {} });
  for (const { name, run } of fileConformance(open)) test(name, run);
});

describe('files in a folder', () => {
  let root: string;
  const bytes = Buffer.from('a picture');
  const file = { tenantId: 'acme', fileId: createHash('sha256').update(bytes).digest('hex') };
  const names = () =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);

  beforeEach(() => {
    root = join(mkdtempSync(join(tmpdir(), 'nightdesk-files-')), 'files');
  });
  afterEach(() => rmSync(join(root, '..'), { recursive: true }));

  const open = async () => {
    rmSync(root, { recursive: true, force: true });
    return { driver: openFolder(root), close: async () => {} };
  };
  for (const { name, run } of fileConformance(open)) test(name, run);

  test('another driver on the folder finds what was put', async () => {
    await openFolder(root).put({ ...file, bytes, mimeType: 'image/png' });
    expect(await openFolder(root).get(file)).toEqual(bytes);
    expect(names()).toEqual([file.fileId]);
  });

  test('only the owner may read what customers sent', async () => {
    await openFolder(root).put({ ...file, bytes, mimeType: 'image/png' });
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(join(entry.parentPath, entry.name));
      expect((mode & 0o077).toString(8)).toBe('0');
    }
  });

  test('what a dead owner left half written is removed, and a file that was cut short is written anew', async () => {
    mkdirSync(join(root, '.parts'), { recursive: true });
    writeFileSync(join(root, '.parts', '7'), 'half a pict');
    await openFolder(root).put({ ...file, bytes, mimeType: 'image/png' });
    expect(names()).toEqual([file.fileId]);
    const [folder = ''] = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.parentPath);
    writeFileSync(join(folder, file.fileId), 'a pict');
    await openFolder(root).put({ ...file, bytes, mimeType: 'image/png' });
    expect(await openFolder(root).get(file)).toEqual(bytes);
  });

  test('a place that cannot be written is a fault that may pass', async () => {
    writeFileSync(root, 'no folder');
    const fault = await openFolder(root)
      .put({ ...file, bytes, mimeType: 'image/png' })
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(FileFault);
    expect(fault).toMatchObject({ code: 'unavailable', retryable: true });
    expect((fault as FileFault).message).toContain('ENOTDIR');
  });
});

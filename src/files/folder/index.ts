/**
 * Files in a folder: `TENANT/ab/SHA256`. A file is written whole beside its place, made durable, and then moved there, so
 * what stands under a name is always all of it. One process owns the folder, as one owns the database; what a dead
 * owner left half written is removed at the next start. Only the owner's user may read it.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { demandFileId, type FileDriver, FileFault, type FileRef } from '#core/ports/files.ts';

const partsFolder = '.parts';

export function openFolder(root: string): FileDriver {
  let parts = 0;
  let ready: Promise<void> | undefined;
  const begin = () => {
    ready ??= emptyParts(root).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };
  return {
    driver: 'folder',
    put: (file) =>
      guarded('written', async () => {
        const path = pathOf(root, file);
        if ((await sizeOf(path)) === file.bytes.length) return;
        await begin();
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const part = join(root, partsFolder, String(++parts));
        await writeDurably(part, file.bytes);
        await rename(part, path);
        await makeNameDurable(dirname(path));
      }),
    get: (file) =>
      guarded('read', async () => {
        try {
          return await readFile(pathOf(root, file));
        } catch (error) {
          if (isMissing(error)) return null;
          throw error;
        }
      }),
    remove: (file) => guarded('removed', () => rm(pathOf(root, file), { force: true })),
  };
}

/** The tenant's part is a digest: its id may be `..`, or differ from another one's in capitals only. */
function pathOf(root: string, { tenantId, fileId }: FileRef): string {
  demandFileId(fileId);
  const tenant = createHash('sha256').update(tenantId).digest('hex').slice(0, 32);
  return join(root, tenant, fileId.slice(0, 2), fileId);
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function emptyParts(root: string): Promise<void> {
  const folder = join(root, partsFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename outlives a power cut only when its folder is written, too. */
async function makeNameDurable(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
const isMissing = (error: unknown) => codeOf(error) === 'ENOENT';

/** A full disk or a lost mount passes when somebody mends it. */
async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TypeError) throw error;
    throw new FileFault(
      'unavailable',
      `A file could not be ${what} (${codeOf(error)}). Check the disk and the folder of files that FILES_URL names.`,
      { retryable: true },
    );
  }
}

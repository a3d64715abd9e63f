/** Where the bytes of files lie. To add a driver, add its configuration to `config.ts` and its line here. */
import type { FileDriver } from '#core/ports/files.ts';
import type { World } from '#core/ports/world.ts';
import { openFolder } from '#files/folder/index.ts';
import { openMemory } from '#files/memory/index.ts';
import { BadConfig, type Config } from './config.ts';

/** @throws FileFault where the driver's library is not installed. */
export async function openFileDriver(config: Config, world: World): Promise<FileDriver> {
  const { files } = config;
  if (files.driver !== 's3') return openLocalFiles(config);
  const { openBucket } = await import('#files/s3/index.ts');
  return openBucket({ ...files, http: world.http, clock: world.clock });
}

/** Without a request to anybody. */
export function openLocalFiles({ files }: Config): FileDriver {
  if (files.driver === 's3')
    throw new BadConfig('FILES_URL names a bucket, and this process was given no driver for it.');
  return files.driver === 'folder' ? openFolder(files.path) : openMemory();
}

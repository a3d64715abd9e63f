/**
 * Loaded into a server before its own code (`--import`): ends every worker thread, as a crash of it would, once there is a
 * file `die` in the server's folder.
 */
import { existsSync, watch } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread)
  watch('.', () => {
    if (existsSync('die')) process.exit(7);
  }).unref();

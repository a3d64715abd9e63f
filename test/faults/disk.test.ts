/**
 * A disk that is full, that cannot promise a write, or that belongs to somebody else. A message that cannot be stored is
 * not acknowledged: Meta keeps it and brings it again.
 */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { ServerProcess, until } from '../proof/server-process.ts';
import { fault } from './fault.ts';
import {
  failSyncs,
  lacksFailingSyncs,
  lacksNobody,
  lacksSmallDisk,
  makeSmallDisk,
  startAsNobody,
} from './machine.ts';
import { counted, inScene, type Scene } from './scene.ts';

/** While the store takes nothing: nothing is acknowledged, the process lives, says why, and tells when to come again. */
async function whileRefusing(scene: Scene, message: RegExp): Promise<void> {
  const { pid } = scene.server;
  await scene.logged(message);
  await expect.poll(() => scene.post(), { timeout: 5_000 }).toEqual({ status: 401, retryAfter: null });
  expect(scene.server.isRunning && scene.server.pid === pid).toBe(true);
}

fault('The disk is full', { lacks: lacksSmallDisk }, async () => {
  const disk = makeSmallDisk();
  const server = { databasePath: join(disk.folder, 'nightdesk.db') };
  try {
    return await inScene({ server }, async (scene) => {
      await scene.allAnswered(await scene.say(4));
      disk.fill();
      const before = scene.acknowledged;
      const tokens = await scene.say(8);
      await whileRefusing(scene, /answered 503.*|database or disk is full/);
      const acked = scene.acknowledged - before;
      disk.empty();
      await scene.allAnswered(tokens);
      return `acked while full ${acked}: ${counted(await scene.judge())}`;
    });
  } finally {
    disk.remove();
  }
});

for (const error of ['EIO', 'ENOSPC'] as const) {
  fault(`A sync of the disk fails with ${error}`, { lacks: lacksFailingSyncs }, () =>
    inScene({}, async (scene) => {
      await scene.allAnswered(await scene.say(4));
      const before = scene.acknowledged;
      const failing = await failSyncs(scene.server.pid, error);
      const tokens = await scene.say(8);
      await whileRefusing(scene, /answered 503/);
      const acked = scene.acknowledged - before;
      await failing.stop();
      await scene.allAnswered(tokens);
      return `acked while failing ${acked}: ${counted(await scene.judge())}`;
    }),
  );
}

const readOnly: [string, (database: string) => void][] = [
  [
    'The data folder may not be written by the user of the server',
    (database) => chmodSync(dirname(database), 0o555),
  ],
  [
    'The database may not be written by the user of the server',
    (database) => {
      chmodSync(dirname(database), 0o777);
      chmodSync(database, 0o444);
    },
  ],
];

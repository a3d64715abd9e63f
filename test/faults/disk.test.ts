/**
 * A disk that is full, that cannot promise a write, or that belongs to somebody else. What cannot be stored is not
 * acknowledged: Meta keeps it and brings it again.
 */
import { chmodSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { ServerProcess, until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import {
  failSyncs,
  lacksFailingSyncs,
  lacksLimits,
  lacksNobody,
  lacksSmallDisk,
  limitFileSize,
  makeSmallDisk,
  startAsNobody,
} from './machine.ts';
import { counted, inScene, type Scene } from './scene.ts';

/** Customers write while the store takes nothing: none of it is acknowledged, and the process lives on. */
async function writeToIllStore(scene: Scene, why: RegExp): Promise<string[]> {
  const { pid } = scene.server;
  const before = scene.acknowledged;
  const tokens = await scene.say(8);
  await scene.logged(why);
  expect(await scene.knock()).toEqual({ status: 503, retryAfter: '5' });
  expect(scene.acknowledged).toBe(before);
  const lines = scene.server.log.split('\n').filter((line) => line.includes('were answered 503'));
  expect(lines.length, 'lines about refused bodies, however many they are').toBe(1);
  expect(scene.server.isRunning && scene.server.pid === pid).toBe(true);
  return tokens;
}

/** A log of commits that is long already has room for the first ones of a start; its end as a file takes that away. */
function leaveNoRoomIn(databasePath: string): void {
  const db = new DatabaseSync(databasePath);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

async function onSmallDisk(
  play: (scene: Scene, disk: ReturnType<typeof makeSmallDisk>) => Promise<string>,
): Promise<string> {
  const disk = makeSmallDisk();
  try {
    const server = { databasePath: join(disk.folder, 'nightdesk.db') };
    return await inScene({ modelLatencyMs: { minMs: 200, maxMs: 400 }, server }, (scene) =>
      play(scene, disk),
    );
  } finally {
    disk.remove();
  }
}

fault('The disk is full', { lacks: lacksSmallDisk }, () =>
  onSmallDisk(async (scene, disk) => {
    const underWay = await scene.say(4);
    await until(() => scene.acknowledged === 4, patienceMs);
    disk.fill();
    const tokens = await writeToIllStore(scene, /database or disk is full.*Check the disk's space/);
    disk.empty();
    await scene.allAnswered([...underWay, ...tokens]);
    return `503 with Retry-After while it is full, nothing acknowledged; with room again, without a restart: ${counted(await scene.judge())}.`;
  }),
);

fault('The disk is full at a start', { lacks: lacksSmallDisk }, () =>
  onSmallDisk(async (scene, disk) => {
    const underWay = await scene.say(4);
    await until(() => scene.acknowledged === 4, patienceMs);
    await scene.server.kill();
    leaveNoRoomIn(scene.server.databasePath);
    disk.fill();
    const { code, said } = await scene.server.startRefused();
    expect({ code, said }).toMatchObject({
      code: 2,
      said: expect.stringMatching(/cannot be written.*free space of its disk/),
    });
    disk.empty();
    await scene.server.start();
    await scene.allAnswered(underWay);
    return `The start ends with exit code 2 and says so; with room again: ${counted(await scene.judge())}.`;
  }),
);

fault('The database may not grow: a quota or a limit on the size of files', { lacks: lacksLimits }, () =>
  inScene({}, async (scene) => {
    await scene.allAnswered(await scene.say(4));
    const { pid, databasePath } = scene.server;
    limitFileSize(pid, statSync(`${databasePath}-wal`).size);
    const tokens = await writeToIllStore(scene, /disk I\/O error.*Check the disk's space and health/);
    limitFileSize(pid, null);
    await scene.allAnswered(tokens);
    return `503 with Retry-After while it may not, nothing acknowledged; afterwards, without a restart: ${counted(await scene.judge())}.`;
  }),
);

for (const error of ['EIO', 'ENOSPC'] as const) {
  fault(`A sync of the disk fails with ${error}`, { lacks: lacksFailingSyncs }, () =>
    inScene({}, async (scene) => {
      await scene.allAnswered(await scene.say(4));
      const failing = await failSyncs(scene.server.pid, error);
      const tokens = await writeToIllStore(
        scene,
        /disk I\/O error.*Check the disk's space and health/,
      ).finally(failing.stop);
      await scene.allAnswered(tokens);
      return `503 with Retry-After while it fails, nothing acknowledged; afterwards, without a restart: ${counted(await scene.judge())}.`;
    }),
  );
}

fault('The data folder belongs to another user', { lacks: lacksNobody }, () =>
  inScene({}, async (scene) => {
    await scene.allAnswered(await scene.say(2));
    await scene.server.stop();
    const { databasePath, folder } = scene.server;
    const stranger = new ServerProcess({
      simulatorUrl: scene.town.simulator.url,
      command: startAsNobody,
      databasePath,
    });
    try {
      const key = join(dirname(databasePath), 'secret.key');
      const lock = `${databasePath}.lock`;
      const refusals = [];
      // One thing after the other is opened to the stranger, until only the database is left.
      for (const [mode, ...paths] of [
        [0o755, folder, stranger.folder, dirname(databasePath)],
        [0o644, key, lock, databasePath],
        [0o777, dirname(databasePath)],
        [0o666, lock],
      ] as const) {
        for (const path of paths) chmodSync(path, mode);
        refusals.push(await stranger.startRefused());
      }
      expect(refusals.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
      expect(refusals.map(({ said }) => said.trim())).toEqual([
        expect.stringMatching(
          /^nightdesk: The key file \S+ cannot be used: EACCES.* Start the server as the user/,
        ),
        expect.stringMatching(/^nightdesk: This user may not write \S+\.lock \(EACCES.* Start as the user/),
        expect.stringMatching(/^nightdesk: This user may not write \S+\.lock \(EACCES.* Start as the user/),
        expect.stringMatching(/^nightdesk: This user may not write \S+\.db \(EACCES.* Start as the user/),
      ]);
    } finally {
      stranger.remove();
    }
    await scene.server.start();
    await scene.allAnswered(await scene.say(2));
    return `Refused with exit code 2 and one message that names the file; nothing was changed: ${counted(await scene.judge())}.`;
  }),
);

fault('There is no data folder and it cannot be made', { lacks: lacksNobody }, async () => {
  const stranger = new ServerProcess({ simulatorUrl: 'http://127.0.0.1:9', command: startAsNobody });
  try {
    chmodSync(stranger.folder, 0o755);
    const { code, said } = await stranger.startRefused();
    expect(code).toBe(2);
    expect(said.trim()).toMatch(/^nightdesk: The key file \S+ cannot be used: EACCES.*$/);
    return 'Refused with exit code 2 and one message.';
  } finally {
    stranger.remove();
  }
});

/**
 * The database removed, moved or replaced underneath the running server. The open file would take every commit and
 * lose it with the process, so the server commits nothing more, says so, and is not ready until the file is back.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { platform } from 'node:os';
import { dirname } from 'node:path';
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import { counted, inScene, type Scene } from './scene.ts';

/** Customers write, and none of it is acknowledged; the server is not ready and says what to do. */
async function writeToNowhere(scene: Scene, why: RegExp): Promise<string[]> {
  const before = scene.acknowledged;
  const tokens = await scene.say(6);
  await scene.logged(why);
  expect(await scene.knock()).toEqual({ status: 503, retryAfter: '5' });
  expect(await until(async () => !(await scene.isReady()), patienceMs)).toBe(true);
  await scene.logged(/"level":"error".*The store cannot be used, so this server is not ready/);
  expect(await scene.metric('nightdesk_alerts_total', 'storeUnavailable')).toBe(1);
  expect(scene.acknowledged).toBe(before);
  expect(scene.server.isRunning).toBe(true);
  return tokens;
}

/** Copies what the process still has open, though its name is gone. */
function saveOpenFile(pid: number, path: string): void {
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).find((fd) => linkOf(`${folder}/${fd}`) === `${path} (deleted)`);
  if (open === undefined) throw new Error(`The process has no removed ${path} open.`);
  copyFileSync(`${folder}/${open}`, path);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since the folder was read.
    return '';
  }
}

/** What cannot be stored is tried until this deadline. */
const stopsSoon = { server: { env: { STOP_DEADLINE_MS: '500' } } };

const removed = /The database \S+ was removed or replaced while the server had it open/;

fault('The database is moved away and back', {}, () =>
  inScene({}, async (scene) => {
    const { databasePath } = scene.server;
    await scene.allAnswered(await scene.say(4));
    renameSync(databasePath, `${databasePath}.away`);
    const tokens = await writeToNowhere(scene, removed);
    renameSync(`${databasePath}.away`, databasePath);
    await scene.allAnswered(tokens);
    expect(await until(() => scene.isReady(), patienceMs)).toBe(true);
    await scene.logged(/The store can be used again/);
    return `Nothing is acknowledged while it is away; when it is back, without a restart: ${counted(await scene.judge())}.`;
  }),
);

const lacksProc = () => (platform() === 'linux' ? null : 'only /proc of Linux gives a removed file back');

fault('The database is removed', { lacks: lacksProc }, () =>
  inScene({ modelLatencyMs: { minMs: 100, maxMs: 300 }, ...stopsSoon }, async (scene) => {
    const { databasePath, pid } = scene.server;
    await scene.allAnswered(await scene.say(4));
    await scene.say(4);
    await until(() => scene.acknowledged === 8, patienceMs);
    rmSync(databasePath);
    await writeToNowhere(scene, removed);
    expect((await scene.run('doctor')).said).toMatch(/fail +store +The database \S+ was removed underneath/);
    expect(await scene.server.startRefused()).toMatchObject({
      code: 2,
      said: expect.stringContaining('Another process owns the database'),
    });
    saveOpenFile(pid, databasePath);
    const saved = `${databasePath}.saved`;
    renameSync(databasePath, saved);
    await scene.server.stop();
    expect(existsSync(`${databasePath}-wal`)).toBe(true);
    expect(await scene.server.startRefused()).toMatchObject({
      code: 2,
      said: expect.stringMatching(/^nightdesk: The database \S+ is gone, while \S+-wal .* Put it back/),
    });
    renameSync(saved, databasePath);
    await scene.server.start();
    const verdict = await scene.judge();
    return `Nothing is acknowledged any more, a new start is refused with exit code 2 rather than begun empty; with the file restored: ${counted(verdict)}.`;
  }),
);

fault('The data folder is removed', {}, () =>
  inScene(stopsSoon, async (scene) => {
    const { databasePath } = scene.server;
    await scene.allAnswered(await scene.say(4));
    rmSync(dirname(databasePath), { recursive: true });
    const tokens = await writeToNowhere(scene, removed);
    expect(await scene.server.stop()).toBe(0);
    mkdirSync(dirname(databasePath));
    await scene.server.start();
    await until(() => scene.acknowledged === 10, patienceMs);
    await scene.town.applyTenants();
    await scene.allAnswered(tokens);
    return `Nothing is acknowledged any more; a new start is empty, and with the tenants applied again what Meta kept is answered: ${counted(await scene.judge())}.`;
  }),
);

fault('The lock file is removed', {}, () =>
  inScene(stopsSoon, async (scene) => {
    const { databasePath } = scene.server;
    await scene.allAnswered(await scene.say(4));
    rmSync(`${databasePath}.lock`);
    const tokens = await writeToNowhere(scene, /The lock file \S+ was removed while the server held it/);
    await scene.server.stop();
    await scene.server.start();
    await scene.allAnswered(tokens);
    return `Nothing is acknowledged any more, since a second server could start; after a restart: ${counted(await scene.judge())}.`;
  }),
);

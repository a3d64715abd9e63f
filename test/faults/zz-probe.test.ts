import { test } from 'vitest';
import { chmodSync, rmSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ServerProcess, until } from '../proof/server-process.ts';
import { makeSmallDisk, startAsNobody, limitFiles } from './machine.ts';
import { inScene } from './scene.ts';
test('full', async () => {
  const disk = makeSmallDisk();
  const server = { databasePath: join(disk.folder, 'nightdesk.db') };
    await inScene({ server, modelLatencyMs: {minMs: 400, maxMs: 700} }, async (scene) => {
      await scene.allAnswered(await scene.say(4));
      const t = await scene.say(4);
      await until(() => scene.acknowledged === 8, 5000);
      disk.fill();
      const t2 = await scene.say(8);
      await until(() => false, 3000);
      console.log('ready', await scene.isReady());
      console.log(scene.server.log);
      await scene.server.kill();
      console.log(await scene.server.startRefused());
      disk.empty();
      await scene.server.start();
      await scene.allAnswered([...t, ...t2]).catch((e) => console.log(e));
      console.log(await scene.judge());
      return '';
    });
    disk.remove();
}, 60000);
test('nobody', async () => {
  for (const make of [
   (s: ServerProcess) => { mkdirSync(dirname(s.databasePath)); chmodSync(s.folder, 0o755) },
   (s: ServerProcess) => { chmodSync(s.folder, 0o755) },
  ]) {
    const s = new ServerProcess({ simulatorUrl: 'http://127.0.0.1:1', command: startAsNobody });
    make(s);
    console.log(await s.startRefused());
    s.remove();
  }
  await inScene({}, async (scene) => {
    await scene.allAnswered(await scene.say(4));
    await scene.server.stop();
    const f = scene.server.folder;
    chmodSync(f, 0o755);
    const s = new ServerProcess({ simulatorUrl: 'http://127.0.0.1:1', command: startAsNobody, databasePath: scene.server.databasePath });
    chmodSync(s.folder, 0o755);
    console.log('1 owned by root', await s.startRefused());
    chmodSync(join(f,'data','secret.key'), 0o644);
    console.log('2 secret readable', await s.startRefused());
    chmodSync(join(f,'data'), 0o777);
    console.log('3 folder writable, lock not', await s.startRefused());
    chmodSync(join(f,'data','nightdesk.db.lock'), 0o666);
    console.log('4 lock writable, db not', await s.startRefused());
    return '';
  });
}, 60000);

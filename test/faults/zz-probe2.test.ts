import { test } from 'vitest';
import { connect, type Socket } from 'node:net';
import { readdirSync } from 'node:fs';
import { until } from '../proof/server-process.ts';
import { limitFiles } from './machine.ts';
import { breakableServer, inScene } from './scene.ts';
test('fds before the first message', async () => {
    await inScene({ }, async (scene) => {
      const fds = () => readdirSync(`/proc/${scene.server.pid}/fd`).length;
      console.log('fds', fds());
      limitFiles(scene.server.pid, fds() + 12);
      const sockets: Socket[] = [];
      for (let i=0;i<60;i++) { const s = connect(scene.server.port, '127.0.0.1'); s.on('error', ()=>{}); sockets.push(s); }
      await until(() => false, 500);
      console.log('fds', fds(), 'open', sockets.filter(s=>!s.destroyed && s.readyState==='open').length);
      const t = await scene.say(6);
      await until(() => false, 3000);
      console.log('acked', scene.acknowledged, 'ready', await scene.isReady(), scene.server.isRunning);
      console.log(scene.server.log.split('\n').slice(-30).map(l=>l.slice(0,400)).join('\n'));
      for (const s of sockets) s.destroy();
      await scene.allAnswered(t, 10000).catch((e) => console.log(String(e).slice(0,300)));
      await scene.allAnswered(await scene.say(6), 10000).catch((e) => console.log('LATER', String(e).slice(0,300)));
      console.log('acked', scene.acknowledged, 'ready', await scene.isReady(), scene.server.isRunning);
      console.log(scene.server.log.split('\n').slice(-10).map(l=>l.slice(0,400)).join('\n'));
      console.log(await scene.judge().catch((e)=>String(e).slice(0,1500)));
      return '';
    });
}, 60000);
test('fds after', async () => {
    await inScene({ }, async (scene) => {
      const fds = () => readdirSync(`/proc/${scene.server.pid}/fd`).length;
      await scene.allAnswered(await scene.say(6), 10000);
      await until(() => false, 5500);
      console.log('fds', fds());
      limitFiles(scene.server.pid, fds() + 4);
      const sockets: Socket[] = [];
      for (let i=0;i<60;i++) { const s = connect(scene.server.port, '127.0.0.1'); s.on('error', ()=>{}); sockets.push(s); }
      await until(() => false, 500);
      console.log('fds', fds(), 'open', sockets.filter(s=>!s.destroyed && s.readyState==='open').length);
      const t = await scene.say(6);
      await until(() => false, 3000);
      console.log('acked', scene.acknowledged, 'ready', await scene.isReady(), scene.server.isRunning);
      console.log(scene.server.log.split('\n').slice(-30).map(l=>l.slice(0,400)).join('\n'));
      for (const s of sockets) s.destroy();
      await scene.allAnswered(t, 10000).catch((e) => console.log(String(e).slice(0,300)));
      await scene.allAnswered(await scene.say(6), 10000).catch((e) => console.log('LATER', String(e).slice(0,300)));
      console.log(scene.server.log.split('\n').slice(-10).map(l=>l.slice(0,400)).join('\n'));
      console.log(await scene.judge().catch((e)=>String(e).slice(0,1500)));
      return '';
    });
}, 60000);
test('clock', async () => {
  for (const ms of [-3_600_000, 3_600_000, 30*3_600_000])
    await inScene({ server: { command: breakableServer }, modelLatencyMs: {minMs: 100, maxMs: 600} }, async (scene) => {
      const t = await scene.say(8);
      await until(() => scene.acknowledged >= 6, 5000);
      scene.server.tell({ clockAheadMs: ms });
      const t2 = await scene.say(8);
      await scene.allAnswered([...t, ...t2], 8000).catch((e) => console.log(ms, String(e).slice(0,3000)));
      scene.server.tell({ clockAheadMs: 0 });
      const t3 = await scene.say(8);
      await scene.allAnswered([...t, ...t2, ...t3], 8000).catch((e) => console.log('back', String(e).slice(0,3000)));
      console.log(ms, await scene.judge().catch((e)=>String(e).slice(0,1500)));
      return '';
    });
}, 160000);
test('dns', async () => {
    await inScene({ server: { command: breakableServer }}, async (scene) => {
      return '';
    });
});

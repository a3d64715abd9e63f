/**
 * The worker thread in which the store lives ends by itself. A server without its store must not look alive: it says
 * so, ends, and a new start goes on where it was.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import { counted, inScene } from './scene.ts';

const dyingWorker = new URL('./dying-worker.ts', import.meta.url).href;

fault('The worker thread of the store ends', {}, () =>
  inScene({ server: { env: { NODE_OPTIONS: `--import ${dyingWorker}` } } }, async (scene) => {
    const before = await scene.say(4);
    await until(() => scene.acknowledged >= 2, patienceMs);
    const order = join(scene.server.folder, 'die');
    writeFileSync(order, '');
    expect(await until(() => !scene.server.isRunning, patienceMs)).toBe(true);
    await scene.logged(/The store is gone, so the server ends\./);
    await scene.logged(/nightdesk: a bug ended the server.*The worker thread of the store ended by itself/);
    rmSync(order);
    const meanwhile = await scene.say(4);
    await scene.server.start();
    await scene.allAnswered([...before, ...meanwhile]);
    return `The server says so and ends; started again, it goes on where it was: ${counted(await scene.judge())}.`;
  }),
);

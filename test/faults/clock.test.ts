/**
 * The clock of the day is set: forward, back, by hours, while messages wait for their quiet time, sends for their next
 * attempt and uncertain ones for evidence. Nothing that waits a second may then wait an hour.
 */
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import { startProxy } from './proxy.ts';
import { breakableServer, counted, inScene } from './scene.ts';

const hourMs = 3_600_000;

for (const [name, aheadMs] of [
  ['The clock is set back by an hour, and forward again', -hourMs],
  ['The clock is set forward by an hour, and back again', hourMs],
] as const) {
  fault(name, {}, () =>
    inScene(
      {
        modelLatencyMs: { minMs: 50, maxMs: 400 },
        settings: { quietMs: 300, quietMaxMs: 1_000 },
        server: { command: breakableServer },
      },
      async (scene) => {
        await scene.say(6);
        await until(() => scene.acknowledged >= 4, patienceMs);
        scene.server.tell({ clockAheadMs: aheadMs });
        await scene.say(6);
        await until(() => scene.acknowledged >= 10, patienceMs);
        scene.server.tell({ clockAheadMs: 0 });
        await scene.allAnswered(await scene.say(6));
        const verdict = await scene.judge();
        return `Nothing waits for the hour, a model call may find its deadline passed: ${counted(verdict)}.`;
      },
    ),
  );
}

fault('The clock is set back by an hour while sends wait for their next attempt', {}, async () => {
  const proxy = await startProxy();
  try {
    const env = { GRAPH_API_URL: `http://graph.test:${proxy.port}` };
    return await inScene({ server: { env, command: breakableServer } }, async (scene) => {
      proxy.target = scene.town.simulator.url;
      const tokens = await scene.say(6);
      await until(async () => (await scene.metric('nightdesk_sends_total', 'retryLater')) >= 6, patienceMs);
      scene.server.tell({ clockAheadMs: -hourMs, resolves: true });
      await scene.allAnswered(tokens);
      return `${counted(await scene.judge())}, without waiting for the hour.`;
    });
  } finally {
    await proxy.close();
  }
});

fault('The clock is set back by an hour while sends are uncertain', {}, () =>
  inScene({ settings: { receipts: 'none' }, server: { command: breakableServer } }, async (scene) => {
    await scene.control.setFaults({ http5xxWithoutBody: { next: 4, accept: false } });
    await scene.say(4);
    await until(async () => (await scene.metric('nightdesk_sends_total', 'uncertain')) === 4, patienceMs);
    expect(await scene.metric('nightdesk_sends_total', 'uncertain')).toBe(4);
    scene.server.tell({ clockAheadMs: -hourMs });
    await scene.allAnswered(await scene.say(4));
    return `${counted(await scene.judge())}: uncertain sends are resolved without waiting for the hour.`;
  }),
);

fault('The clock is set forward by more than a day', {}, () =>
  inScene({ server: { command: breakableServer } }, async (scene) => {
    const before = await scene.say(4);
    await scene.allAnswered(before);
    scene.server.tell({ clockAheadMs: 30 * hourMs });
    await scene.say(4);
    await until(() => scene.acknowledged === 8, patienceMs);
    const flags = async () => (await scene.server.command<unknown[]>('flags.list')).length;
    await until(async () => (await flags()) === 4, patienceMs);
    scene.server.tell({ clockAheadMs: 0 });
    await scene.allAnswered(await scene.say(4));
    const verdict = await scene.judge();
    expect(verdict).toMatchObject({ answered: 8, held: 4 });
    return `Service windows look closed, so answers are held for a person; with the right clock all goes on: ${counted(verdict)}.`;
  }),
);

/**
 * A process that is stopped and continued (SIGSTOP, a frozen container, a machine that sleeps): longer than its leases
 * live, at any moment or exactly between the commit that marks a send as `sending` and the write to the socket.
 */
import { platform } from 'node:os';
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import { breakableServer, counted, inScene, isStopped, type Scene, shortWaits } from './scene.ts';

const lacks = () => (platform() === 'linux' ? null : 'only /proc of Linux tells that a process is stopped');
const pastLeaseMs = shortWaits.leaseTtlMs + 500;

async function waitPastLease(scene: Scene): Promise<void> {
  const fromMs = Date.now();
  await until(() => Date.now() - fromMs > pastLeaseMs, pastLeaseMs * 2);
  expect(isStopped(scene.server.pid)).toBe(true);
}

fault('The process is stopped for longer than a lease and continued', { lacks }, () =>
  inScene({ modelLatencyMs: { minMs: 100, maxMs: 600 } }, async (scene) => {
    const before = await scene.say(6);
    await until(() => scene.acknowledged >= 4, patienceMs);
    scene.server.signal('SIGSTOP');
    const meanwhile = await scene.say(6);
    await waitPastLease(scene);
    scene.server.signal('SIGCONT');
    await scene.allAnswered([...before, ...meanwhile]);
    return `It goes on where it was: ${counted(await scene.judge())}, those that were sent meanwhile included.`;
  }),
);

for (const [stopAt, where, lateWrites, what] of [
  [
    'granted',
    'after the commit of `sending`, before anything else',
    1,
    'It gives the slot back and asks anew',
  ],
  [
    'beforeWrite',
    'after the commit of `sending`, just before the write to the socket',
    0,
    'It writes late, and is still the only one that may',
  ],
] as const) {
  fault(`The process is stopped ${where}, for longer than a lease`, { lacks }, () =>
    inScene({ server: { command: breakableServer } }, async (scene) => {
      await scene.allAnswered(await scene.say(2));
      scene.server.tell({ stopAt });
      const tokens = await scene.say(4);
      await until(() => isStopped(scene.server.pid), patienceMs);
      await waitPastLease(scene);
      const during = tokens.filter((token) => scene.answered(token)).length;
      scene.server.signal('SIGCONT');
      await scene.allAnswered(tokens);
      expect(during).toBeLessThan(4);
      const verdict = await scene.judge();
      expect(await scene.metric('nightdesk_sends_total', 'lateWrite')).toBeGreaterThanOrEqual(lateWrites);
      return `${what}: ${counted(verdict)}.`;
    }),
  );
}

fault('A second process starts on the file of one that is stopped', { lacks }, () =>
  inScene({}, async (scene) => {
    const tokens = await scene.say(6);
    await until(() => scene.acknowledged >= 3, patienceMs);
    scene.server.signal('SIGSTOP');
    await waitPastLease(scene);
    const { code, said } = await scene.server.startRefused();
    expect({ code, said }).toMatchObject({
      code: 2,
      said: expect.stringMatching(/Another process owns the database .* Stop the other server/),
    });
    await scene.server.kill();
    await scene.server.start();
    await scene.judge();
    return `Refused with exit code 2 while the first lives; after its end the next one starts: ${counted(await scene.judge())} of ${tokens.length}.`;
  }),
);

/**
 * No file descriptor left: idle connections take all that the process may have. Those that wait outside get no answer and
 * come again; what cannot be asked or sent waits or is told to a person; when the connections close, all goes on.
 */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import { fault, patienceMs } from './fault.ts';
import { lacksLimits, limitFiles } from './machine.ts';
import { counted, inScene, type Scene, shortWaits } from './scene.ts';

/** Enough for all that the server does for this town. */
const roomForWork = 60;

const filesOf = (scene: Scene) => readdirSync(`/proc/${scene.server.pid}/fd`).length;

/** Takes every descriptor that is left, by connections that say nothing; the returned function gives them back. */
async function takeAllFiles(scene: Scene): Promise<() => void> {
  const limit = filesOf(scene) + roomForWork;
  limitFiles(scene.server.pid, limit);
  const sockets: Socket[] = [];
  for (let i = 0; i < roomForWork + 20; i++) {
    const socket = connect(scene.server.port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  expect(await until(() => filesOf(scene) >= limit - 1, patienceMs), 'all descriptors are taken').toBe(true);
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** A change that nobody answers, so that Meta has a connection and no model was asked yet. */
async function openMetasConnection(scene: Scene): Promise<void> {
  await scene.control.change({ wabaId: '10229012930000', field: 'account_update', value: { event: 'X' } });
  const answered = async () => (await scene.control.counters()).counters.webhookAnswered ?? 0;
  await until(async () => (await answered()) > 0, patienceMs);
}

/** Neither the model's library nor a connection to it can be opened: its call fails. */
const modelFails = (scene: Scene) => scene.logged(/Activity reply failed/);

/** What is connected goes on working. */
const oneIsAnswered = async (scene: Scene, tokens: string[]) =>
  void (await until(() => tokens.some((token) => scene.answered(token)), patienceMs));

/** Calls that failed in a row may have opened the model's circuit: until it closes, customers get the fallback text. */
async function modelIsBack(scene: Scene): Promise<void> {
  const isBack = await until(async () => {
    const [token = ''] = await scene.say(1);
    return until(() => scene.answered(token), shortWaits.circuitOpenMs * 2);
  }, patienceMs);
  expect(isBack).toBe(true);
}

for (const [name, begin, happens] of [
  ['No file descriptor is left before the first message', openMetasConnection, modelFails],
  [
    'No file descriptor is left while the server works',
    async (scene: Scene) => scene.allAnswered(await scene.say(6)),
    oneIsAnswered,
  ],
] as const) {
  fault(name, { lacks: lacksLimits }, () =>
    inScene({}, async (scene) => {
      const { pid } = scene.server;
      await begin(scene);
      const before = scene.acknowledged;
      const giveBack = await takeAllFiles(scene);
      const starved = await scene.say(6);
      await happens(scene, starved);
      const taken = scene.acknowledged - before;
      giveBack();
      await modelIsBack(scene);
      await scene.allAnswered(await scene.say(6));
      const verdict = await scene.judge();
      expect(taken).toBeGreaterThan(0);
      expect(scene.server.isRunning && scene.server.pid === pid).toBe(true);
      expect(scene.server.log).not.toContain('Nobody knows whether a send was accepted');
      const late = starved.filter((token) => scene.answered(token)).length;
      return `${taken} of ${starved.length} messages were acknowledged meanwhile, the others when Meta came again; ${late} were answered, the others got the fallback text: ${counted(verdict)}.`;
    }),
  );
}

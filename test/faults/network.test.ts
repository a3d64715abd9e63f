/**
 * A network that forgets: names that do not resolve, connections that stay open and carry nothing, servers that stall
 * before the headers or in the middle of a body. Nothing that never left is uncertain, nothing that may have left goes twice.
 */
import { expect } from 'vitest';
import { until } from '../proof/server-process.ts';
import type { TownOptions } from '../proof/town.ts';
import { fault, patienceMs } from './fault.ts';
import { type Stall, startProxy, type TcpProxy } from './proxy.ts';
import { breakableServer, counted, inScene, type Scene } from './scene.ts';

/** Runs a scene whose server reaches Graph or the model through a proxy. */
async function throughProxy(
  variable: 'GRAPH_API_URL' | 'ANTHROPIC_BASE_URL',
  options: Partial<TownOptions>,
  play: (scene: Scene, proxy: TcpProxy) => Promise<string>,
): Promise<string> {
  const proxy = await startProxy();
  try {
    const env = { [variable]: proxy.url };
    return await inScene({ ...options, server: { env } }, (scene) => {
      proxy.target = scene.town.simulator.url;
      return play(scene, proxy);
    });
  } finally {
    await proxy.close();
  }
}

fault('The name of the Graph host does not resolve', {}, async () => {
  const proxy = await startProxy();
  try {
    const env = { GRAPH_API_URL: `http://graph.test:${proxy.port}` };
    return await inScene({ server: { env, command: breakableServer } }, async (scene) => {
      proxy.target = scene.town.simulator.url;
      const tokens = await scene.say(8);
      await until(async () => (await scene.metric('nightdesk_sends_total', 'retryLater')) >= 8, patienceMs);
      const waiting = await scene.server.command<{ state: string }[]>('sends.list');
      expect(waiting.filter(({ state }) => state !== 'queued' && state !== 'sending')).toEqual([]);
      expect(scene.town.simulator.meta.accepted).toEqual([]);
      scene.server.tell({ resolves: true });
      await scene.allAnswered(tokens);
      const verdict = await scene.judge();
      expect(verdict.held).toBe(0);
      return `Sends wait as not sent and leave when the name resolves: ${counted(verdict)}.`;
    });
  } finally {
    await proxy.close();
  }
});

const graphStalls: [string, Stall][] = [
  ['Half-open connections to Graph: requests vanish, nothing is closed', { what: 'requests' }],
  ['Graph takes requests and stalls before the headers', { what: 'answers', afterBytes: 0 }],
  ['Graph takes requests and stalls in the middle of the body', { what: 'answers', afterBytes: 250 }],
];
for (const [name, stall] of graphStalls) {
  fault(name, {}, () =>
    throughProxy('GRAPH_API_URL', {}, async (scene, proxy) => {
      await scene.allAnswered(await scene.say(4));
      proxy.stall(stall);
      const stalling = await scene.say(6);
      await until(() => proxy.stalled() >= 6, patienceMs);
      await until(() => scene.acknowledged === 10, patienceMs);
      proxy.heal();
      await scene.allAnswered(await scene.say(6));
      const verdict = await scene.judge();
      expect(verdict.answered + verdict.held).toBe(16);
      await until(() => proxy.stalled() === 0, patienceMs);
      expect(proxy.stalled(), 'dead connections that the server keeps').toBe(0);
      const arrived = stalling.filter((token) => scene.answered(token)).length;
      const how = stall.what === 'requests' ? 'resent on evidence' : 'proven by statuses';
      return `${counted(verdict)}; of ${stalling.length} uncertain sends ${arrived} were ${how}.`;
    }),
  );
}

const modelStalls: [string, Stall][] = [
  ['Half-open connections to the model: requests vanish, nothing is closed', { what: 'requests' }],
  ['The model stalls before the headers', { what: 'answers', afterBytes: 0 }],
  ['The model stalls in the middle of the body', { what: 'answers', afterBytes: 250 }],
];
for (const [name, stall] of modelStalls) {
  fault(name, {}, () =>
    throughProxy('ANTHROPIC_BASE_URL', { settings: { replyTimeoutMs: 1_500 } }, async (scene, proxy) => {
      await scene.allAnswered(await scene.say(4));
      proxy.stall(stall);
      await scene.say(6);
      await until(() => proxy.stalled() >= 6, patienceMs);
      const flags = async () =>
        (await scene.server.command<{ reason: string }[]>('flags.list')).map(({ reason }) => reason);
      await until(async () => (await flags()).length === 6, patienceMs);
      expect(await flags()).toEqual(Array(6).fill('replyTimeout'));
      proxy.heal();
      await scene.allAnswered(await scene.say(6));
      const verdict = await scene.judge();
      const apologies = scene.town.simulator.meta.accepted.filter(({ text }) =>
        text?.startsWith('We received your message'),
      );
      expect({ ...verdict, apologies: apologies.length }).toMatchObject({
        answered: 10,
        held: 6,
        apologies: 6,
      });
      await until(() => proxy.stalled() === 0, patienceMs);
      expect(proxy.stalled(), 'dead connections that the server keeps').toBe(0);
      return `At the deadline the customer gets the fallback text and a person is asked: ${counted(verdict)}.`;
    }),
  );
}

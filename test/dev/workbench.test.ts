/** The workbench beside the phone, whole: the life of a message, the kill button, the clock, the load, and who may use them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Step } from '#surface/cli/dev/workbench/life.ts';
import { answersIn, clientOf, DevProcess, type DevStart, eventsUntil, lunaFlowers } from './dev-process.ts';
import { WorkbenchClient } from './workbench-client.ts';

const started: DevProcess[] = [];
const hourMs = 3_600_000;
/** The number of the first dialog of a bot's own. */
const ownNumber = '106540352243000';

afterEach(async () => {
  await Promise.all(started.splice(0).map((dev) => dev.remove()));
});

async function startDev(start: DevStart = {}) {
  const dev = new DevProcess({ ...start, env: { PORT: '0', LOG_LEVEL: 'error', ...start.env } });
  started.push(dev);
  const { phone } = await dev.ready();
  return { dev, phone, client: clientOf(phone), bench: new WorkbenchClient(phone) };
}

const textsOf = (steps: readonly Step[], kind: Step['kind']) =>
  steps.filter((step) => step.kind === kind).map(({ text }) => text);
const kindsOf = (steps: readonly Step[]) => steps.map(({ kind }) => kind);

const ask = (text: string, contact = 'mia', phoneNumberId = lunaFlowers) => ({
  ...{ phoneNumberId, contact, type: 'text', text },
});

/** A business whose model never comes to an end unless its server begins beside the file `quick`, and one that reminds after 20 hours. */
function ownConfig(): string {
  const source = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts')).href;
  const xstate = import.meta.resolve('xstate');
  return `
import { defineDialog, dialogActions } from '${source}';
import { setup } from '${xstate}';
import { existsSync } from 'node:fs';
const thinksMs = existsSync(new URL('quick', import.meta.url)) ? 0 : 3_600_000;
const reminder = defineDialog({
  name: 'reminder',
  version: 1,
  machine: setup({ actions: dialogActions }).createMachine({
    context: {},
    initial: 'idle',
    states: {
      idle: { on: { text: { target: 'waiting', actions: { type: 'say', params: { text: 'Until tomorrow.' } } } } },
      waiting: { after: { 72000000: { target: 'idle', actions: { type: 'say', params: { text: 'Still there?' } } } } },
    },
  }),
});
export default {
  dialogs: [reminder],
  model: ({ timers }) => ({
    name: 'thinker',
    reply: ({ messages }) => new Promise((resolve) => timers.after(thinksMs, () => resolve({
      text: 'You said ' + messages.at(-1).text,
      usage: { model: 'thinker', inputTokens: 7, outputTokens: 3 },
    }))),
  }),
};
`;
}

/** The model of the next server that begins there is quick. */
const makeQuick = (folder: string): void => writeFileSync(join(folder, 'quick'), '');

function startOwn({ isQuick }: { isQuick: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-dev-'));
  writeFileSync(join(folder, 'nightdesk.config.ts'), ownConfig());
  if (isQuick) makeQuick(folder);
  return startDev({ folder });
}

test('the life of a message, from the webhook to the blue ticks', async () => {
  const { phone, client, bench } = await startDev();
  const { wamid } = await client.say(ask('hello'));
  await eventsUntil(
    phone,
    (events) =>
      events.some((event) => event.kind === 'status' && event.status === 'read') &&
      events.some(({ kind }) => kind === 'readReceipt'),
  );
  await bench.until(({ moments }) =>
    moments.some((moment) => moment.kind === 'statusStored' && moment.status === 'read'),
  );
  const steps = await bench.life(wamid);
  expect(kindsOf(steps).sort()).toEqual(
    [
      ...['said', 'webhook', 'stored', 'waiting', 'turn', 'activity', 'model', 'markedRead', 'turn'],
      ...['send', 'sent', 'delivered', 'read'],
    ].sort(),
  );
  for (const { fromMs, toMs, text, detail } of steps) {
    expect(toMs, text).toBeGreaterThanOrEqual(fromMs);
    expect(detail.began).toMatchObject({ kind: expect.any(String) });
  }
  expect(textsOf(steps, 'model')).toEqual([expect.stringMatching(/^Model demo: \d+ tokens in, \d+ out$/)]);
  expect(textsOf(steps, 'send')).toEqual(['Attempt 1: accepted']);

  const { lastSeq, moments } = await bench.get<{ lastSeq: number; moments: { seq: number; kind: string }[] }>(
    'moments?after=2&limit=4',
  );
  expect(moments.map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
  expect(lastSeq).toBeGreaterThan(10);
  expect(JSON.stringify(moments)).not.toContain('hello');
});

test('kill -9 in the middle of ten open questions: all ten are answered once, and the restart is counted', async () => {
  const { dev, client, phone, bench } = await startOwn({ isQuick: false });
  const before = await bench.state();
  expect(before.server).toMatchObject({ state: 'ready', restarts: 0, kills: 0 });
  const contacts = Array.from({ length: 10 }, (_, i) => `1650557${1000 + i}`);
  const said = await client.sayMany(contacts.map((contact, i) => ask(`question ${i}.`, contact)));
  await bench.told('modelAsked', 10);
  makeQuick(dev.folder);
  expect(await bench.kill()).toEqual({ pid: before.server.pid });
  const events = await eventsUntil(phone, (seen) => answersIn(seen).length >= 10);
  expect(answersIn(events).sort()).toEqual(contacts.map((_, i) => `You said question ${i}.`).sort());

  // Meta has the answers before the server has told of them, and before the supervisor has asked it whether it is ready.
  await bench.told('attemptEnded', 10);
  await bench.told('serverReady', 2);
  const { server } = await bench.state();
  expect(server).toMatchObject({ state: 'ready', restarts: 1, kills: 1 });
  expect(server.pid).not.toBe(before.server.pid);
  for (const { wamid } of said) {
    const steps = await bench.life(wamid);
    expect(textsOf(steps, 'activity')).toEqual([
      'Activity reply: interrupted by the end of the server',
      'Activity reply: done',
    ]);
    expect(textsOf(steps, 'down')).toEqual(['No server: it ended by SIGKILL; nothing is lost']);
  }
  // What comes later is answered later: had any been answered twice, it would be here by then.
  await client.sayMany(contacts.map((contact, i) => ask(`later ${i}.`, contact)));
  const all = await eventsUntil(
    phone,
    (seen) => answersIn(seen).filter((text) => text.includes('later')).length === 10,
  );
  expect(answersIn(all)).toHaveLength(20);
});

test('25 hours at once: a timer due in between fires, the window is closed, and a server that is killed lives on there', async () => {
  const { client, bench } = await startOwn({ isQuick: true });
  const { wamid } = await client.say(ask('remind me', 'mia', ownNumber));
  await bench.told('attemptEnded');
  const before = await bench.state();
  expect(await bench.jump(25 * hourMs)).toEqual({ aheadMs: 25 * hourMs });
  // The reminder was due five hours before: it is an event, and its send is withdrawn, since the window has closed.
  await bench.told('timerFired');
  await bench.told('sendWithdrawn');
  const after = await bench.state();
  expect(after.clock.aheadMs).toBe(25 * hourMs);
  expect(after.clock.nowMs - before.clock.nowMs).toBeGreaterThanOrEqual(25 * hourMs);
  const messages = await client.messages({ phoneNumberId: ownNumber, contact: 'mia' });
  expect(messages.map(({ text }) => text)).toEqual(['remind me', 'Until tomorrow.']);
  expect(textsOf(await bench.life(wamid), 'send')).toEqual(['Attempt 1: accepted']);

  // To write opens it again, now.
  const again = await client.say(ask('remind me again', 'mia', ownNumber));
  expect(again.atMs).toBeGreaterThan(before.clock.nowMs + 25 * hourMs - 1);
  await bench.told('attemptEnded', 2);

  await bench.kill();
  await bench.told('serverReady', 2);
  await client.say(ask('who is there?'));
  const received = await bench.told('messageReceived', 3);
  expect(received.at(-1)!.atMs).toBeGreaterThan(after.clock.nowMs);
});

test('a duplicate shows as dropped, and a lost answer as uncertain, then confirmed', async () => {
  const { phone, client, bench } = await startDev();
  await client.setFaults({ duplicateWebhook: { next: 1, maxMs: 500 } });
  const first = await client.say(ask('hello'));
  await bench.told('duplicateDropped');
  await bench.told('attemptEnded');
  await client.setFaults({ loseAnswer: { next: 1 } });
  const second = await client.say(ask('and again', 'jonas'));
  await bench.told('uncertainResolved');
  expect(textsOf(await bench.life(first.wamid), 'dropped')).toEqual([
    'Duplicate dropped: it had been stored before',
  ]);
  const steps = await bench.life(second.wamid);
  expect(textsOf(steps, 'answerLost')).toHaveLength(1);
  expect(textsOf(steps, 'uncertain')).toEqual([
    'Uncertain, then confirmed: a delivery status proved that it was accepted',
  ]);
  const events = await eventsUntil(phone, (seen) => answersIn(seen).length >= 2);
  expect(answersIn(events)).toHaveLength(2);
});

test('a load is asked and answered, and stops', async () => {
  const { bench, client } = await startDev();
  await bench.post('load', { perSecond: 40 });
  const { states } = await bench.until(({ states: seen }) => (seen.at(-1)?.load.answered ?? 0) >= 40);
  expect(states.at(-1)!.load.perSecond).toBe(40);
  await bench.post('load', { perSecond: 0 });
  const { states: ended } = await bench.until(({ states: seen }) => seen.at(-1)?.load.waiting === 0);
  const { asked, answered, perSecond } = ended.at(-1)!.load;
  expect({ perSecond, answered }).toEqual({ perSecond: 0, answered: asked });
  const made = (await client.contacts()).filter(({ id }) => id.startsWith('load-'));
  expect(made.length).toBeGreaterThan(10);
  expect((await client.accepted()).length).toBe(answered);
});

describe('who may use it', () => {
  const json = { 'content-type': 'application/json' };

  /** As a browser or a program sends it; `fetch` refuses to name another host. */
  function ask_(phone: string, path: string, headers: Record<string, string>): Promise<number> {
    const { port } = new URL(phone);
    return new Promise((done, fail) => {
      const call = request({ port, path, method: 'GET', headers, host: '127.0.0.1' }, (response) => {
        response.resume();
        done(response.statusCode ?? 0);
      });
      call.on('error', fail);
      call.end();
    });
  }

  test('this machine under its own name, and to change things only the page itself', async () => {
    const { phone, bench } = await startDev();
    const { server } = await bench.state();
    expect(await ask_(phone, '/_dev/state', { host: 'localhost:4000' })).toBe(200);
    expect(await ask_(phone, '/_dev/state', { host: 'rebound.test' })).toBe(403);
    const statusOf = async (path: string, body: string, headers: Record<string, string>) =>
      (await bench.send(path, body, headers)).status;
    expect(await statusOf('kill', '{}', { ...json, origin: 'http://evil.test' })).toBe(403);
    expect(await statusOf('kill', '{}', { ...json, origin: 'null' })).toBe(403);
    expect(await statusOf('kill', '{}', { 'content-type': 'text/plain' })).toBe(415);
    expect(await statusOf('kill', '[]', json)).toBe(400);
    expect(await statusOf('kill', 'x', json)).toBe(400);
    expect(await statusOf('kill', ' '.repeat(70_000), json)).toBe(413);
    expect(await statusOf('state', '{}', json)).toBe(405);
    expect(await statusOf('nothing', '{}', json)).toBe(404);
    for (const jumpMs of [0, -600_000, 1.5, '600000x', 1e15, null])
      expect(await statusOf('clock', JSON.stringify({ jumpMs }), json), String(jumpMs)).toBe(400);
    for (const perSecond of [-1, 201, '5', null])
      expect(await statusOf('load', JSON.stringify({ perSecond }), json), String(perSecond)).toBe(400);
    const told = await (await bench.send('clock', '{"jumpMs":-1}', json)).json();
    expect(told).toEqual({ error: expect.stringContaining('time only goes forward') });
    expect((await fetch(`${phone}/_dev/kill`)).status).toBe(405);
    expect((await fetch(`${phone}/_dev/life`)).status).toBe(400);
    const after = await bench.state();
    expect({ ...after.server, clock: after.clock.aheadMs }).toEqual({ ...server, clock: 0 });
    expect(await statusOf('clock', '{"jumpMs":1000}', { ...json, origin: new URL(phone).origin })).toBe(200);
  });

  test('a server in production has a clock that stays, and tells nothing', async () => {
    const key = 'a key that has at least thirty-two characters';
    const { bench } = await startDev({ env: { NODE_ENV: 'production', NIGHTDESK_SECRET_KEY: key } });
    const refused = await bench.send('clock', '{"jumpMs":1000}', json);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({ error: expect.stringContaining('NODE_ENV=production') });
    expect((await bench.state()).clock.aheadMs).toBe(0);
  });
});

/** The driver against the look-alike of Cloud Tasks over real HTTP: which tasks it makes, and how few. */
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type MovableWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { type CloudTasksWake, type Credentials, createCloudTasksWake } from '#wake/cloud-tasks/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { email, queue } from './stage.ts';

let world: MovableWorld;
let sim: Simulator;
let counted: Record<string, number>;

beforeEach(async () => {
  world = createRealWorld({ log: createLog({ level: 'silent' }), aheadMs: 0 });
  const { clock, timers, random } = world;
  sim = await startSimulator({ world: { nowMs: clock.nowMs, setTimer: timers.after, random } });
  await call('POST', ':pause');
  counted = {};
});
afterEach(async () => {
  await sim.close();
  world.close();
});

const call = (method: string, path: string) =>
  fetch(`${sim.tasksUrl}/v2/${queue}${path}`, {
    method,
    headers: { authorization: `Bearer ${sim.tasks.tokens.access(world.clock.nowMs()).access_token}` },
  });

function open(credentials: Credentials = { from: 'metadata', host: new URL(sim.url).host }): CloudTasksWake {
  return createCloudTasksWake(
    {
      ...{ apiUrl: sim.tasksUrl, queue, email, credentials },
      ...{ targetUrl: 'http://127.0.0.1:1/internal/wake', audience: 'us' },
      ...{ issuers: ['https://accounts.google.com'], keysUrl: `${sim.tasksUrl}/oauth2/v3/certs` },
    },
    {
      world,
      here: createLocalWake(world),
      telemetry: {
        count: (name, labels) => {
          const key = `${name} ${Object.values(labels ?? {}).join()}`;
          counted[key] = (counted[key] ?? 0) + 1;
        },
        observe: () => {},
      },
    },
  );
}

const ref = (conversationId: string) => ({ tenantId: 'acme', conversationId });
const made = () =>
  sim.tasks.list().map(({ name, body, scheduleAtMs, ...task }) => ({
    ...task,
    name: name.split('/').at(-1) ?? '',
    says: JSON.parse(Buffer.from(body).toString('utf8')) as unknown,
    scheduleAtMs,
  }));

test('a wake is one task: our door, our token, our deadline, and no name of ours', async () => {
  const wake = open();
  wake.notify(ref('c1'));
  await wake.announced([ref('c1')]);
  expect(made()).toMatchObject([
    {
      says: { tenantId: 'acme', conversationId: 'c1' },
      url: 'http://127.0.0.1:1/internal/wake',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      oidc: { email, audience: 'us' },
      dispatchDeadlineMs: limits.taskDeadlineMs,
    },
  ]);
  expect(made()[0]?.name).toMatch(/^\d+$/);
  wake.notify(ref('c1'));
  await wake.announced();
  expect(made()).toHaveLength(2);
});

test('a burst is two tasks: the one under way may have been served before the rest was stored', async () => {
  const wake = open();
  for (let i = 0; i < 100; i += 1) wake.notify(ref('c1'));
  wake.notify(ref('c2'));
  await wake.announced([ref('c1'), ref('c2')]);
  expect(made().map(({ says }) => says)).toHaveLength(3);
  expect(made().filter(({ says }) => JSON.stringify(says).includes('c2'))).toHaveLength(1);
});

test('whoever comes while a task is being made waits for the one that follows', async () => {
  const wake = open();
  sim.tasks.set({ latencyMs: { minMs: 50, maxMs: 50 } });
  wake.notify(ref('c1'));
  const first = wake.announced([ref('c1')]);
  wake.notify(ref('c1'));
  const both = wake.announced([ref('c1')]);
  await first;
  sim.tasks.set({ queues: ['projects/p/locations/l/queues/other'] });
  await expect(both).rejects.toMatchObject({ code: 'wakeUnavailable' });
});

test('a later wake has its time and a name of its own, so all processes together make one', async () => {
  const [one, other] = [open(), open()];
  const atMs = world.clock.nowMs() + 3_600_000;
  for (const wake of [one, one, other]) wake.notify(ref('c1'), atMs);
  one.notify(ref('c1'), atMs + 1_000);
  one.notify(ref('c2'), atMs);
  await Promise.all([one.announced(), other.announced()]);
  expect(
    made()
      .map(({ scheduleAtMs }) => scheduleAtMs)
      .sort(),
  ).toEqual([atMs, atMs, atMs + 1_000]);
  expect(made().every(({ name }) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
  expect(counted).toMatchObject({
    'nightdesk_wake_tasks_total made': 3,
    'nightdesk_wake_tasks_total known': 1,
  });
});

test('what is further ahead than Google takes stays in the store', async () => {
  const wake = open();
  wake.notify(ref('c1'), world.clock.nowMs() + 29 * 86_400_000);
  wake.notify(ref('c1'), world.clock.nowMs() + 31 * 86_400_000);
  await wake.announced();
  expect(made()).toHaveLength(1);
  expect(counted).toEqual({ 'nightdesk_wake_tasks_total made': 1 });
});

test('an answer that is lost, or says later, is made good at once', async () => {
  const wake = open();
  sim.tasks.set({ loseAnswer: { next: 1 } });
  wake.notify(ref('c1'));
  await wake.announced();
  expect(made()).toHaveLength(2);
  sim.tasks.set({ unavailable: { next: 2 } });
  wake.notify(ref('c2'));
  await wake.announced();
  expect(made()).toHaveLength(3);
});

test('where no task can be made, whoever waits for it hears so; the next one is made as if nothing had been', async () => {
  const wake = open();
  sim.tasks.set({ unavailable: { next: 2 * limits.taskCreateAttemptsMax } });
  wake.notify(ref('c1'));
  wake.notify(ref('c2'));
  await expect(wake.announced([ref('c1')])).rejects.toMatchObject({ code: 'wakeUnavailable' });
  await wake.announced([ref('c2')]).catch(() => {});
  expect(wake.health?.().driver).toBe('cloud-tasks');
  wake.notify(ref('c1'));
  await wake.announced([ref('c1')]);
  expect(wake.health?.().state).toBe('here');
});

test('a refusal that will not pass is not repeated, and its words name no token', async () => {
  const wake = open();
  sim.tasks.set({ queues: ['projects/p/locations/l/queues/other'] });
  wake.notify(ref('c1'));
  await expect(wake.announced()).rejects.toThrow(/HTTP 404 NOT_FOUND/);
  await expect(wake.announced()).resolves.toBeUndefined();
});

test('an access token is asked for once, kept, and replaced when it was revoked', async () => {
  let asked = 0;
  const { access } = sim.tasks.tokens;
  sim.tasks.tokens.access = (nowMs) => {
    asked += 1;
    return access.call(sim.tasks.tokens, nowMs);
  };
  const wake = open();
  for (let i = 0; i < 10; i += 1) wake.notify(ref(`c${i}`));
  await wake.announced();
  expect(asked).toBe(1);
  sim.tasks.tokens.revokeAccess();
  wake.notify(ref('again'));
  await wake.announced();
  expect(asked).toBe(2);
  world.time.moveTo(3_600_000);
  wake.notify(ref('later'));
  await wake.announced();
  expect(asked).toBe(3);
  expect(made()).toHaveLength(12);
});

test('with the key of a service account the token is exchanged for a signed assertion', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const key = { email, privateKey, privateKeyId: 'k1', tokenUrl: `${sim.url}/token` };
  const wake = open({ from: 'key', key });
  wake.notify(ref('c1'));
  await wake.announced();
  expect(made()).toHaveLength(1);
  const broken = open({ from: 'key', key: { ...key, privateKey: 'no key' } });
  broken.notify(ref('c1'));
  await expect(broken.announced()).rejects.toThrow(/no RSA key/);
});

test('while a request is at work on a conversation, what is announced of it stays here', async () => {
  const wake = open();
  wake.open(ref('c1'), true);
  wake.notify(ref('c1'));
  wake.notify(ref('c1'), world.clock.nowMs() + limits.inRequestWaitMaxMs + 1_000);
  expect(wake.stateOf(ref('c1')).isBusy).toBe(true);
  expect(wake.next(10)).toEqual([ref('c1')]);
  wake.looked(ref('c1'));
  expect(wake.stateOf(ref('c1'))).toEqual({ isBusy: false, untilMs: null });
  wake.notify(ref('c1'));
  wake.close(ref('c1'), true);
  // Given up before it was looked at: nothing is done outside of a request.
  expect(wake.next(10)).toEqual([]);
  await wake.announced();
  expect(made()).toHaveLength(2);
});

test('a request that nobody would bring again takes what is announced, and a task is made of it all the same', async () => {
  const wake = open();
  wake.open(ref('c1'), false);
  wake.notify(ref('c1'));
  await wake.announced([ref('c1')]);
  expect(made()).toHaveLength(1);
  expect(wake.next(10)).toEqual([ref('c1')]);
});

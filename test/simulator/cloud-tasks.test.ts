/** The look-alike of Cloud Tasks as a state machine: no sockets, no clock, chance from a seed. */
import { createPublicKey, createVerify, type JsonWebKey } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { type CloudTasks, createCloudTasks, createEventLog, type TasksOutcome } from '#simulator/index.ts';
import { seededRandom } from '#testing/fake-world.ts';

const queue = 'projects/p/locations/l/queues/q';
const hourMs = 3_600_000;
let tasks: CloudTasks;
let nowMs: number;
let bearer: string;

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 22);
  tasks = createCloudTasks({ random: seededRandom(1), log: createEventLog() });
  bearer = `Bearer ${tasks.tokens.access(nowMs).access_token}`;
});

function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): TasksOutcome {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  return tasks.handle(
    { method, path, query: {}, headers: { authorization: bearer, ...headers }, body: text },
    nowMs,
  );
}

function read(outcome: TasksOutcome): { status: number; body: Record<string, unknown> } {
  if (outcome.kind !== 'response') throw new Error(`It was ${outcome.kind}.`);
  const { status, body } = outcome.response;
  return { status, body: JSON.parse(body) as Record<string, unknown> };
}

const taskOf = (other: Record<string, unknown> = {}) => ({
  task: {
    httpRequest: {
      url: 'https://us.example/internal/wake',
      body: Buffer.from('hello').toString('base64'),
      oidcToken: { serviceAccountEmail: 'w@p.iam.gserviceaccount.com' },
    },
    ...other,
  },
});
const create = (other?: Record<string, unknown>) => read(call('POST', `/v2/${queue}/tasks`, taskOf(other)));
const named = (id: string) => ({ name: `${queue}/tasks/${id}` });
/** The next attempt, and how it ends. */
function attempt(status: number | null, retryAfterMs?: number) {
  const [first] = tasks.due(nowMs);
  if (first === undefined) throw new Error('Nothing is due.');
  tasks.ended(first.attemptId, { status, ...(retryAfterMs !== undefined && { retryAfterMs }) }, nowMs);
  return first;
}

describe('making tasks', () => {
  test('a task is attempted with its body, its headers and a token that its keys verify', () => {
    expect(create().status).toBe(200);
    const made = attempt(200);
    expect(made).toMatchObject({
      url: 'https://us.example/internal/wake',
      method: 'POST',
      deadlineMs: 600_000,
      headers: { 'x-cloudtasks-queuename': 'q', 'x-cloudtasks-taskretrycount': '0' },
    });
    expect(Buffer.from(made.body).toString()).toBe('hello');
    const [header = '', payload = '', signature = ''] = (made.headers.authorization ?? '')
      .slice(7)
      .split('.');
    const { keys } = tasks.tokens.keySet() as { keys: JsonWebKey[] };
    const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' });
    const check = createVerify('RSA-SHA256').update(`${header}.${payload}`);
    expect(check.verify(key, signature, 'base64url')).toBe(true);
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: 'https://accounts.google.com',
      aud: 'https://us.example/internal/wake',
      email: 'w@p.iam.gserviceaccount.com',
      email_verified: true,
    });
    expect(tasks.stats()).toMatchObject({ created: 1, attempts: 1, done: 1, waiting: 0, inFlight: 0 });
  });

  test('without a good access token nothing is made', () => {
    for (const authorization of ['', 'Bearer ', 'Bearer made-up'])
      expect(read(call('POST', `/v2/${queue}/tasks`, taskOf(), { authorization }))).toMatchObject({
        status: 401,
        body: { error: { status: 'UNAUTHENTICATED' } },
      });
    nowMs += hourMs;
    expect(create().status).toBe(401);
    expect(tasks.list()).toEqual([]);
  });

  test('access tokens are given to a machine that asks, and for an assertion', () => {
    const metadata = '/computeMetadata/v1/instance/service-accounts/default/token';
    expect(read(call('GET', metadata, undefined, { authorization: '' })).status).toBe(403);
    expect(read(call('GET', metadata, undefined, { 'metadata-flavor': 'Google' })).body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3_600,
    });
    const iat = nowMs / 1_000;
    const assertion = tasks.tokens.sign({ iss: 'a@b', aud: 'x', scope: 's', iat, exp: iat + 3_600 });
    const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    expect(
      read(call('POST', '/token', new URLSearchParams({ grant_type, assertion }).toString())).status,
    ).toBe(200);
    expect(
      read(call('POST', '/token', new URLSearchParams({ grant_type, assertion: 'x' }).toString())).status,
    ).toBe(400);
  });

  test.each([
    ['no httpRequest', { httpRequest: undefined }],
    ['no address', { httpRequest: { url: 'us' } }],
    ['further ahead than 30 days', { scheduleTime: new Date(Date.UTC(2026, 11, 23)).toISOString() }],
    ['no time', { scheduleTime: 'soon' }],
    ['a deadline under 15 s', { dispatchDeadline: '10s' }],
    ['a deadline over 30 minutes', { dispatchDeadline: '1801s' }],
    ['a name of another queue', { name: 'projects/p/locations/l/queues/other/tasks/a' }],
    ['a name with a slash', { name: `${queue}/tasks/a/b` }],
    ['too much', { httpRequest: { url: 'https://us.example/', body: 'A'.repeat(110_000) } }],
  ])('%s is an invalid argument', (_what, other) => {
    expect(create(other)).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
  });

  test('a used name stays taken for about an hour after its task is done or deleted', () => {
    expect(create(named('a')).status).toBe(200);
    const taken = { status: 409, body: { error: { code: 409, status: 'ALREADY_EXISTS' } } };
    expect(create(named('a'))).toMatchObject(taken);
    attempt(200);
    expect(create(named('a'))).toMatchObject(taken);
    create(named('b'));
    call('DELETE', `/v2/${queue}/tasks/b`);
    expect(create(named('b'))).toMatchObject(taken);
    nowMs += hourMs - 1;
    bearer = `Bearer ${tasks.tokens.access(nowMs).access_token}`;
    expect(create(named('a'))).toMatchObject(taken);
    nowMs += 1;
    expect(create(named('a')).status).toBe(200);
  });

  test('queues and tasks can be shown, paused, resumed and purged; what is not there is not found', () => {
    create(named('a'));
    expect(read(call('GET', `/v2/${queue}/tasks`)).body.tasks).toHaveLength(1);
    expect(read(call('GET', `/v2/${queue}/tasks/a`)).body).toMatchObject({ dispatchCount: 0 });
    expect(read(call('POST', `/v2/${queue}:pause`)).body).toMatchObject({ state: 'PAUSED' });
    expect(tasks.due(nowMs)).toEqual([]);
    expect(tasks.nextDueAtMs(nowMs)).toBeNull();
    expect(read(call('POST', `/v2/${queue}:resume`)).body).toMatchObject({ state: 'RUNNING' });
    expect(tasks.nextDueAtMs(nowMs)).toBe(nowMs);
    call('POST', `/v2/${queue}:purge`);
    expect(tasks.list()).toEqual([]);
    expect(read(call('GET', `/v2/${queue}/tasks/a`)).status).toBe(404);
    tasks.set({ queues: ['projects/p/locations/l/queues/other'] });
    expect(create()).toMatchObject({ status: 404, body: { error: { status: 'NOT_FOUND' } } });
  });
});

describe('attempts', () => {
  test('a later task waits for its time', () => {
    create({ scheduleTime: new Date(nowMs + hourMs).toISOString() });
    expect(tasks.due(nowMs)).toEqual([]);
    expect(tasks.nextDueAtMs(nowMs)).toBe(nowMs + hourMs);
    nowMs += hourMs;
    expect(tasks.due(nowMs)).toHaveLength(1);
  });

  test('failures are retried: doubling, then by the same step, up to the maximum, at most so often', () => {
    tasks.set({
      retry: { backoffMinMs: 10_000, backoffMaxMs: 300_000, doublingsMax: 3, attemptsMax: 9 },
    });
    create();
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      attempt(i % 2 === 0 ? 500 : null);
      const nextAtMs = tasks.nextDueAtMs(nowMs) ?? 0;
      waits.push((nextAtMs - nowMs) / 1_000);
      nowMs = nextAtMs;
    }
    // The example of Google's own documentation.
    expect(waits).toEqual([10, 20, 40, 80, 160, 240, 300, 300]);
    expect(attempt(503).headers).toMatchObject({
      'x-cloudtasks-taskretrycount': '8',
      'x-cloudtasks-taskexecutioncount': '4',
    });
    expect(tasks.nextDueAtMs(nowMs)).toBeNull();
    expect(tasks.stats()).toMatchObject({ givenUp: 1, waiting: 0 });
  });

  test('Retry-After is heeded', () => {
    create();
    attempt(503, 5_000);
    expect(tasks.nextDueAtMs(nowMs)).toBe(nowMs + 5_000);
  });

  test('no more are under way than the queue allows, and no more leave in a second', () => {
    tasks.set({ rate: { perSecond: 10, burst: 5, concurrentMax: 7 } });
    for (let i = 0; i < 20; i += 1) create();
    const first = tasks.due(nowMs);
    expect(first).toHaveLength(5);
    expect(tasks.nextDueAtMs(nowMs)).toBe(nowMs + 100);
    nowMs += 1_000;
    expect(tasks.due(nowMs)).toHaveLength(2);
    expect(tasks.nextDueAtMs(nowMs)).toBeNull();
    for (const { attemptId } of first) tasks.ended(attemptId, { status: 200 }, nowMs);
    expect(tasks.due(nowMs)).toHaveLength(3);
  });

  test('delivery is at least once: told to, a task that was done comes again', () => {
    tasks.set({ duplicate: { next: 1, minMs: 500, maxMs: 500 } });
    create(named('a'));
    const first = attempt(200);
    nowMs += 500;
    const again = attempt(200);
    expect(again.taskName).toBe(first.taskName);
    expect(tasks.nextDueAtMs(nowMs)).toBeNull();
  });

  test('a task that is deleted while it is attempted does not come again', () => {
    create(named('a'));
    const [under] = tasks.due(nowMs);
    call('DELETE', `/v2/${queue}/tasks/a`);
    tasks.ended(under?.attemptId ?? '', { status: 500 }, nowMs);
    expect(tasks.nextDueAtMs(nowMs)).toBeNull();
  });
});

test('faults: later, no answer, and an answer that is lost after the task was made', () => {
  tasks.set({ unavailable: { next: 1 }, hang: { next: 1 }, loseAnswer: { next: 1 } });
  expect(call('POST', `/v2/${queue}/tasks`, taskOf()).kind).toBe('hang');
  expect(create()).toMatchObject({ status: 503, body: { error: { status: 'UNAVAILABLE' } } });
  expect(tasks.list()).toHaveLength(0);
  expect(call('POST', `/v2/${queue}/tasks`, taskOf()).kind).toBe('lost');
  expect(tasks.list()).toHaveLength(1);
  expect(create().status).toBe(200);
});

test('a setting that does not exist is refused', () => {
  expect(() => tasks.set({ retries: 3 })).toThrow(/no setting "tasks.retries"/);
});

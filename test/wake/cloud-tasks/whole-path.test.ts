/**
 * WAKE=cloud-tasks from a customer's message to the answer, on one process: the webhook makes a task, the task comes back to
 * the door, and the work is done inside that request and nowhere else.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { ModelClient } from '#core/ports/model.ts';
import { runCommand } from '#runtime/commands.ts';
import { openStage, type Stage, type StageOptions, type Step } from './stage.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const stages: Stage[] = [];
const limitsBefore = { ...limits };

afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
  Object.assign(limits, limitsBefore);
});

const open = async (options?: StageOptions): Promise<Stage> => {
  const stage = await openStage(options);
  stages.push(stage);
  return stage;
};

const answered = (stage: Stage, count: number) =>
  stage.until(() => stage.answers().length >= count, `${count} answers`);
const idle = (stage: Stage) =>
  stage.until(() => stage.sim.tasks.stats().inFlight === 0, 'no request is under way');
const settled = async (stage: Stage, count: number) => {
  await answered(stage, count);
  await idle(stage);
};
/** What the tasks say that wait, and in how many milliseconds. */
const waiting = (stage: Stage) =>
  stage.sim.tasks.list().map(({ body, scheduleAtMs }) => ({
    body: JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>,
    inMs: scheduleAtMs - stage.world.clock.nowMs(),
  }));
const workKinds = [
  'turnTaken',
  'turnCommitted',
  'activityStarted',
  'activityEnded',
  'sendMarked',
  'attemptEnded',
] as const satisfies Step[];

/** Answers when it is told to. */
function heldModel(): { model: ModelClient; asked: () => number; answer(): void } {
  const held: (() => void)[] = [];
  let asked = 0;
  return {
    asked: () => asked,
    answer: () => held.shift()?.(),
    model: {
      name: 'held',
      reply: async () => {
        asked += 1;
        await new Promise<void>((resolve) => held.push(resolve));
        return { text: 'at last', usage: { model: 'held', inputTokens: 1, outputTokens: 1 } };
      },
    },
  };
}

test('a message becomes a task before the 200, and all its work happens inside the request of that task', async () => {
  const stage = await open();
  await stage.say('hello');
  await settled(stage, 1);
  expect(stage.answers()).toEqual(['You said: hello']);
  const { steps } = stage;
  expect(steps.indexOf('taskCreated')).toBeGreaterThan(steps.indexOf('messageStored'));
  expect(steps.indexOf('webhookAnswered')).toBeGreaterThan(steps.indexOf('taskCreated'));
  const [from, to] = [steps.indexOf('taskSent'), steps.lastIndexOf('taskAnswered')];
  for (const kind of workKinds) {
    expect(steps.indexOf(kind), kind).toBeGreaterThan(from);
    expect(steps.lastIndexOf(kind), kind).toBeLessThan(to);
  }
  expect(stage.sim.tasks.stats()).toMatchObject({ created: 1, attempts: 1, done: 1, waiting: 0 });
});

test('while the queue brings nothing, nothing is done, however much time goes by', async () => {
  const stage = await open();
  await stage.api('POST', ':pause');
  await stage.say('hello');
  await stage.until(() => stage.steps.includes('webhookAnswered'), 'the webhook was answered');
  stage.pass(hourMs);
  // What a loop in the background would do by then it would have done before this second message.
  await stage.say('still there?', '15550002');
  await stage.until(() => stage.sim.tasks.stats().created === 2, 'a second task');
  expect(stage.steps.filter((step) => workKinds.some((kind) => kind === step))).toEqual([]);
  await stage.api('POST', ':resume');
  await stage.say('hello?', '15550002');
  await stage.until(() => stage.answers().length >= 2, 'both were answered');
});

test('a task that comes twice, or while the other is at work, answers nobody twice', async () => {
  const { model, asked, answer } = heldModel();
  const stage = await open({ model });
  stage.sim.tasks.set({ duplicate: { next: 3 } });
  await stage.say('hello');
  await stage.until(() => asked() === 1, 'the model was asked');
  const { tenantId, conversationId } = refIn(stage);
  const second = stage.knock(stage.goodToken(), { tenantId, conversationId });
  await stage.until(async () => stage.steps.filter((step) => step === 'turnTaken').length >= 1, 'a turn');
  answer();
  expect((await second).status).toBe(200);
  await stage.until(() => stage.sim.tasks.stats().attempts >= 4, 'the duplicates came');
  await idle(stage);
  expect(stage.answers()).toEqual(['at last']);
  expect(asked()).toBe(1);
});

function refIn(stage: Stage): { tenantId: string; conversationId: string } {
  const event = stage.sim.meta.log.read({ kinds: new Set(['taskCreated']), limit: 1 })[0];
  if (event?.kind !== 'taskCreated') throw new Error('No task was made.');
  return JSON.parse(event.body) as { tenantId: string; conversationId: string };
}

test('where no task can be made the webhook is answered 503, and the webhook that Meta repeats wakes', async () => {
  const stage = await open();
  stage.sim.tasks.set({ unavailable: { next: limits.taskCreateAttemptsMax } });
  await stage.say('hello');
  await stage.until(() => stage.sim.meta.log.counters().webhookFailed === 1, 'the webhook failed');
  const failed = stage.sim.meta.log.read({ kinds: new Set(['webhookFailed']) })[0];
  expect(failed).toMatchObject({ httpStatus: 503 });
  expect(await stage.nightdesk.store.stats()).toMatchObject({ mailboxDepth: 1 });
  expect(stage.answers()).toEqual([]);
  stage.pass(5_000);
  await settled(stage, 1);
  expect(stage.answers()).toEqual(['You said: hello']);
  expect(await stage.counter('nightdesk_wake_tasks_total', { result: 'failed' })).toBe(1);
  expect(await stage.counter('nightdesk_events_duplicate_total')).toBe(1);
});

test('an event of the business is answered 503 as well, and wakes when it is sent again', async () => {
  const stage = await open();
  await stage.say('hello');
  await settled(stage, 1);
  const made = await runCommand(stage.nightdesk, 'keys.create', {
    tenantId: 'acme',
    by: 'test',
    label: 'shop',
  });
  const { key } = made as { key: string };
  const send = () =>
    fetch(`${stage.url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'idempotency-key': 'one' },
      body: JSON.stringify({ conversationId: refIn(stage).conversationId, name: 'order.shipped', data: {} }),
    });
  stage.sim.tasks.set({ unavailable: { next: limits.taskCreateAttemptsMax } });
  const refused = await send();
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  const { created } = stage.sim.tasks.stats();
  expect((await send()).status).toBe(200);
  expect(stage.sim.tasks.stats().created).toBe(created + 1);
});

test('a quiet time is a task for its end, and all that was said meanwhile is one answer', async () => {
  const stage = await open({ settings: { quietMs: 8_000 } });
  await stage.say('one');
  await stage.until(() => stage.sim.tasks.stats().created === 1, 'a task');
  expect(waiting(stage)[0]?.inMs).toBeGreaterThan(7_000);
  await stage.say('two');
  await stage.until(() => stage.sim.tasks.stats().created === 2, 'another');
  expect(stage.sim.tasks.stats().attempts).toBe(0);
  stage.pass(9_000);
  await settled(stage, 1);
  await stage.until(() => stage.sim.tasks.stats().waiting === 0, 'both tasks came');
  await idle(stage);
  expect(stage.sim.meta.accepted).toHaveLength(1);
});

const reminding = defineDialog({
  name: 'reminding',
  version: 1,
  context: z.object({}),
  start: 'asking',
  later: { remindAfterMs: 2 * hourMs },
  states: ({ ask, end }) => ({
    asking: ask({ question: 'What is your name?', next: 'done' }),
    done: end({ say: 'Thank you.' }),
  }),
});

test('a timer is a task for its second, and the reminder leaves inside a request', async () => {
  const stage = await open({ dialog: 'reminding', config: { dialogs: [reminding] } });
  await stage.say('hello');
  await settled(stage, 1);
  expect(waiting(stage)).toContainEqual({ body: { look: 'timers' }, inMs: expect.any(Number) });
  const before = stage.steps.length;
  stage.pass(2 * hourMs + 2_000);
  await settled(stage, 2);
  const later = stage.steps.slice(before);
  expect(later.indexOf('timerFired')).toBeGreaterThan(later.indexOf('taskSent'));
  expect(later.indexOf('sendMarked')).toBeGreaterThan(later.indexOf('timerFired'));
});

test('a wake that is due in three hours holds up no message of now', async () => {
  const stage = await open({ dialog: 'reminding', config: { dialogs: [reminding] } });
  await stage.say('hello');
  await settled(stage, 1);
  stage.nightdesk.wake.notify(refIn(stage), stage.world.clock.nowMs() + 3 * hourMs);
  await stage.until(() => waiting(stage).some(({ inMs }) => inMs > 2.9 * hourMs), 'a task for later');
  await stage.say('Ana');
  await settled(stage, 2);
  expect(stage.answers()[1]).toBe('Thank you.');
});

test('a send that must wait for its pace becomes a task for that time', async () => {
  Object.assign(limits, { pairBurst: 1, pairEveryMs: 20_000 });
  const stage = await open();
  await stage.say('one');
  await settled(stage, 1);
  await stage.say('two');
  await stage.until(
    () => waiting(stage).some(({ body }) => Array.isArray(body.sends)),
    'a task with the send',
  );
  await idle(stage);
  expect(stage.answers()).toHaveLength(1);
  const before = stage.steps.length;
  stage.pass(21_000);
  await settled(stage, 2);
  const later = stage.steps.slice(before);
  expect(later.indexOf('sendMarked')).toBeGreaterThan(later.indexOf('taskSent'));
  expect(later.indexOf('attemptEnded')).toBeLessThan(later.lastIndexOf('taskAnswered'));
  expect(await stage.counter('nightdesk_pacing_waits_total', { scope: 'pair' })).toBe(1);
});

test('a pace of a few seconds is waited for inside the request', async () => {
  Object.assign(limits, { pairBurst: 1, pairEveryMs: 1_000 });
  const stage = await open();
  await stage.say('one');
  await settled(stage, 1);
  await stage.say('two');
  await stage.until(() => stage.steps.includes('sendWaiting'), 'the send waits');
  expect(stage.sim.tasks.stats().inFlight).toBe(1);
  await settled(stage, 2);
  expect(stage.sim.tasks.stats().created).toBe(2);
});

test('an uncertain send is a task for the end of its window, which says what became of it', async () => {
  const stage = await open({ settings: { uncertain: 'resendMayRepeat' } });
  await stage.sim.control.setFaults({ loseAnswer: { next: 1 }, statusLost: { rate: 1 } });
  await stage.say('hello');
  await stage.until(() => waiting(stage).some(({ body }) => body.look === 'uncertain'), 'a look at it');
  await idle(stage);
  const before = stage.steps.length;
  stage.pass(limits.uncertainCapMs + minuteMs);
  await stage.until(() => stage.steps.slice(before).includes('uncertainResolved'), 'it was resolved');
  expect(stage.steps.indexOf('uncertainResolved', before)).toBeGreaterThan(
    stage.steps.indexOf('taskSent', before),
  );
});

test('one call of the scheduler finds what no task announces', async () => {
  const stage = await open();
  await stage.api('POST', ':pause');
  await stage.say('hello');
  await stage.until(() => stage.steps.includes('webhookAnswered'), 'the webhook was answered');
  await stage.api('POST', ':purge');
  await stage.api('POST', ':resume');
  expect((await stage.knock(stage.goodToken(), { sweep: true })).status).toBe(200);
  await settled(stage, 1);
  expect(stage.answers()).toEqual(['You said: hello']);
});

test('what a dead process had begun is taken over and done inside the sweep', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-'));
  const env = { DATABASE_URL: `sqlite:${join(folder, 'nightdesk.db')}` };
  const { model, asked } = heldModel();
  const first = await openStage({ model, env });
  await first.say('hello');
  await first.until(() => asked() === 1, 'the model was asked');
  await first.close();
  const second = await open({ env });
  expect((await second.knock(second.goodToken(), { sweep: true })).status).toBe(200);
  expect(second.answers()).toEqual(['You said: hello']);
  await idle(second);
  expect(second.answers()).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test('before the deadline of the queue the door says that it is not done; the rest comes by another task', async () => {
  Object.assign(limits, { taskDeadlineMs: 15_000, taskAnswerReserveMs: 14_800 });
  const { model, asked, answer } = heldModel();
  const stage = await open({ model });
  stage.sim.tasks.set({ retry: { backoffMinMs: hourMs } });
  await stage.say('hello');
  await stage.until(() => stage.steps.includes('taskAnswered'), 'the request was answered');
  expect(await stage.counter('nightdesk_wake_requests_total', { status: '503' })).toBe(1);
  expect(asked()).toBe(1);
  answer();
  await settled(stage, 1);
  expect(stage.sim.tasks.stats()).toMatchObject({ created: 2, done: 1 });
});

test('what runs on after such an answer is waited for by the next request', async () => {
  Object.assign(limits, { taskDeadlineMs: 15_000, taskAnswerReserveMs: 14_800 });
  const { model, asked, answer } = heldModel();
  const stage = await open({ model });
  stage.sim.tasks.set({ retry: { backoffMinMs: hourMs } });
  await stage.say('hello');
  await stage.until(() => stage.steps.includes('taskAnswered'), 'the request was answered');
  Object.assign(limits, limitsBefore);
  let status = 0;
  const next = stage.knock(stage.goodToken(), refIn(stage)).then((answered) => {
    status = answered.status;
  });
  await stage.until(() => stage.steps.lastIndexOf('turnTaken') >= 0 && asked() === 1, 'it was looked at');
  await stage.knock(stage.goodToken());
  expect(status).toBe(0);
  answer();
  await next;
  expect(status).toBe(200);
  expect(stage.answers()).toEqual(['at last']);
  expect(stage.sim.tasks.stats().created).toBe(1);
});

test('with the store away the door says so at once, and the task comes again', async () => {
  let failing = 1;
  const stage = await open({
    store: (store) =>
      new Proxy(store, {
        get(target, name) {
          const own: unknown = Reflect.get(target, name);
          if (name === 'takeConversations' && failing > 0)
            return async () => {
              failing -= 1;
              throw new Fault('storeUnavailable', 'The disk is full.');
            };
          return typeof own === 'function' ? (own.bind(target) as unknown) : own;
        },
      }),
  });
  await stage.say('hello');
  await stage.until(() => stage.steps.includes('taskAnswered'), 'the request was answered');
  expect(await stage.counter('nightdesk_wake_requests_total', { status: '503' })).toBe(1);
  const before = stage.steps.length;
  stage.pass(10_000);
  await settled(stage, 1);
  expect(stage.steps.indexOf('turnTaken')).toBeGreaterThan(stage.steps.indexOf('taskSent', before));
});

test('a conversation that another process has is looked at again when that lease is over', async () => {
  let leased = 1;
  const stage = await open({
    store: (store) =>
      new Proxy(store, {
        get(target, name) {
          const own: unknown = Reflect.get(target, name);
          if (name === 'takeConversations' && leased > 0)
            return async ({ refs }: Parameters<typeof store.takeConversations>[0]) => {
              leased -= 1;
              return refs.map((ref) => ({ outcome: 'leased', ref }));
            };
          return typeof own === 'function' ? (own.bind(target) as unknown) : own;
        },
      }),
  });
  await stage.say('hello');
  await stage.until(() => stage.sim.tasks.stats().done === 1, 'the request is done');
  expect(waiting(stage)).toMatchObject([{ body: refIn(stage) }]);
  expect(waiting(stage)[0]?.inMs).toBeGreaterThan(limits.leaseTtlMs - 1_000);
  stage.pass(2 * limits.leaseTtlMs);
  await settled(stage, 1);
  expect(stage.answers()).toEqual(['You said: hello']);
});

test('a process that stops ends its requests as not done', async () => {
  const { model, asked } = heldModel();
  const stage = await open({ model });
  await stage.say('hello');
  await stage.until(() => asked() === 1, 'the model was asked');
  stage.nightdesk.requests?.stop();
  await stage.until(() => stage.steps.includes('taskAnswered'), 'the request was answered');
  expect(stage.sim.tasks.list()[0]).toMatchObject({ lastStatus: 503 });
});

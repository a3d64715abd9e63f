/** The life of a message, told by a whole Nightdesk in virtual time: what belongs to it, what each step says, and nothing else. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { ModelFault } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import type { Step } from '#surface/cli/dev/workbench/life.ts';
import type { TownOptions } from '../virtual/town.ts';
import { told, type WatchedTown, watchedTown } from './watched-town.ts';

const mia = '16505550123';

async function open(options: TownOptions = {}): Promise<WatchedTown> {
  const watched = watchedTown(options);
  await watched.town.start();
  await watched.town.apply();
  return watched;
}

const kindsOf = (steps: readonly Step[]) => steps.map(({ kind }) => kind);
const textsOf = (steps: readonly Step[], kind: Step['kind']) =>
  steps.filter((step) => step.kind === kind).map(({ text }) => text);
const sendIdsOf = (steps: readonly Step[]) =>
  steps.flatMap(({ kind, detail }) => (kind === 'send' ? [(detail.began as { sendId: string }).sendId] : []));

test('from the phone to the blue ticks: each step with its time, none left open', async () => {
  const { town, life } = await open();
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(60_000);
  const steps = life(wamid);
  expect(told(steps)).toEqual([
    'said: Written on the phone',
    'webhook: Webhook: answered 200',
    'stored: Stored; 200 may be answered',
    'waiting: Waits for its turn',
    'turn: Turn 1: assistant/thinking; starts reply',
    'activity: Activity reply: done',
    expect.stringMatching(/^model: Model .+: \d+ tokens in, \d+ out$/),
    'markedRead: Shown as read',
    'turn: Turn 2: assistant/idle; 1 send',
    'send: Attempt 1: accepted',
    'sent: Sent',
    'delivered: Delivered',
    'read: Read by the customer',
  ]);
  const model = steps.find(({ kind }) => kind === 'model')!;
  expect(model.toMs! - model.fromMs).toBe(300);
  expect(steps.filter(({ fromMs, toMs }) => toMs === null || toMs < fromMs)).toEqual([]);
  expect(steps.find(({ kind }) => kind === 'read')!.detail).toMatchObject({
    began: { kind: 'status', status: 'read' },
    ended: { kind: 'statusStored', status: 'read' },
  });
});

test('while it lasts, the last step is open', async () => {
  const { town, life } = await open();
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(150);
  const open_ = life(wamid).filter(({ toMs }) => toMs === null);
  expect(told(open_)).toEqual(['activity: Activity reply', 'model: Model asked, attempt 1']);
  expect(life('wamid.unknown')).toEqual([]);
});

test('a message of ours has the same life, without what else was said', async () => {
  const { town, life } = await open();
  const first = town.say(mia, 'hello');
  await town.world.advance(30_000);
  const second = town.say(mia, 'and then');
  await town.world.advance(30_000);
  const [, answer] = town.meta.accepted;
  expect(life(answer!.wamid)).toEqual(life(second.wamid));
  expect(sendIdsOf(life(first.wamid))).not.toEqual(sendIdsOf(life(second.wamid)));
});

test('messages that come while the bot thinks have their own answers', async () => {
  const { town, life } = await open({ tenants: [{ id: 'acme', settings: { overlap: 'queue' } }] });
  const first = town.say(mia, 'first');
  await town.world.advance(150);
  const second = town.say(mia, 'second');
  await town.world.advance(60_000);
  expect(town.texts()).toEqual(['Echo: first', 'Echo: second']);
  const lives = [first, second].map(({ wamid }) => life(wamid));
  const opaque = town.meta.accepted.map((accepted) => accepted.opaque);
  expect(lives.map(sendIdsOf)).toEqual(opaque.map((sendId) => [sendId]));
  for (const steps of lives) expect(textsOf(steps, 'model')).toHaveLength(1);
  expect(textsOf(lives[1]!, 'turn')).toEqual([
    'Turn 2: assistant/thinking',
    'Turn 3: assistant/thinking; 1 send; starts reply',
    'Turn 4: assistant/idle; 1 send',
  ]);
});

test('a duplicate shows as dropped', async () => {
  const { town, life } = await open();
  town.meta.faults.set({ duplicateWebhook: { next: 1, maxMs: 2_000 } });
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(60_000);
  const steps = life(wamid);
  expect(textsOf(steps, 'webhook')).toEqual(['Webhook: answered 200', 'Copy of the webhook: answered 200']);
  expect(textsOf(steps, 'stored')).toHaveLength(1);
  expect(textsOf(steps, 'dropped')).toEqual(['Duplicate dropped: it had been stored before']);
  expect(town.texts()).toEqual(['Echo: hello']);
});

test('while nobody listens Meta comes again', async () => {
  const { town, life } = await open();
  await town.stop();
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(1_000);
  await town.start();
  await town.world.advance(120_000);
  const attempts = textsOf(life(wamid), 'webhook');
  expect(attempts[0]).toBe('Webhook: not answered; Meta comes again');
  expect(attempts.at(-1)).toBe(`Webhook, attempt ${attempts.length}: answered 200`);
  expect(attempts.length).toBeGreaterThan(1);
});

describe('an answer that is lost', () => {
  test('is uncertain, then confirmed by a delivery status', async () => {
    const { town, life } = await open();
    town.meta.faults.set({ loseAnswer: { next: 1 }, statusLate: { rate: 1, minMs: 500, maxMs: 500 } });
    const { wamid } = town.say(mia, 'hello');
    await town.world.advance(60_000);
    const steps = life(wamid);
    expect(textsOf(steps, 'answerLost')).toHaveLength(1);
    expect(textsOf(steps, 'send')).toEqual(['Attempt 1: no answer (noAnswer)']);
    expect(textsOf(steps, 'uncertain')).toEqual([
      'Uncertain, then confirmed: a delivery status proved that it was accepted',
    ]);
    expect(town.texts()).toEqual(['Echo: hello']);
  });

  test('is never in doubt where the status was faster', async () => {
    const { town, life } = await open();
    town.meta.faults.set({ statusBeforeAnswer: { rate: 1 } });
    const { wamid } = town.say(mia, 'hello');
    await town.world.advance(60_000);
    expect(textsOf(life(wamid), 'uncertain')).toEqual([]);
    expect(textsOf(life(wamid), 'send')).toEqual(['Attempt 1: accepted']);
  });

  test('is held for a person where no status ever comes', async () => {
    const { town, life } = await open();
    town.meta.faults.set({ loseAnswer: { next: 1 }, statusLost: { rate: 1 } });
    const { wamid } = town.say(mia, 'hello');
    await town.world.advance(2 * limits.uncertainCapMs);
    expect(textsOf(life(wamid), 'uncertain')).toEqual(['Uncertain, then held: a person decides']);
    expect(textsOf(life(wamid), 'sent')).toEqual(['Sent; Meta never told of it']);
  });
});

test('a death in the middle of the model call: interrupted, begun again, answered once', async () => {
  const { town, book, life } = await open();
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(150);
  town.crash();
  book.note({ kind: 'serverEnded', pid: 1, code: null, signal: 'SIGKILL' });
  await town.world.advance(2_000);
  await town.start();
  book.note({ kind: 'serverReady', pid: 2 });
  await town.world.advance(60_000);
  const steps = life(wamid);
  expect(textsOf(steps, 'activity')).toEqual([
    'Activity reply: interrupted by the end of the server',
    'Activity reply: done',
  ]);
  expect(textsOf(steps, 'model')[0]).toContain('interrupted by the end of the server');
  expect(textsOf(steps, 'down')).toEqual(['No server: it ended by SIGKILL; nothing is lost']);
  const down = steps.find(({ kind }) => kind === 'down')!;
  expect(down.toMs! - down.fromMs).toBe(2_000);
  expect(steps.filter(({ toMs }) => toMs === null)).toEqual([]);
  expect(town.texts()).toEqual(['Echo: hello']);
});

test('a death after the mark: cut off, in doubt, and confirmed', async () => {
  const { town, book, life } = await open();
  town.meta.faults.set({ hangAnswer: { next: 1 }, statusLate: { rate: 1, minMs: 5_000, maxMs: 5_000 } });
  const { wamid } = town.say(mia, 'hello');
  await town.world.runUntil(() => town.meta.accepted.length === 1, 9_000);
  town.crash();
  book.note({ kind: 'serverEnded', pid: 1, code: null, signal: 'SIGKILL' });
  await town.start();
  await town.world.advance(limits.uncertainWindowMs);
  const steps = life(wamid);
  expect(textsOf(steps, 'send')).toEqual(['Attempt 1: cut off by the end of the server']);
  expect(textsOf(steps, 'uncertain')).toEqual([
    'Uncertain, then confirmed: a delivery status proved that it was accepted',
  ]);
  expect(town.texts()).toEqual(['Echo: hello']);
});

test('waits for the pace, and for the send before it, say which', async () => {
  const { town, book, life } = await open({ tenants: [{ id: 'acme', numberPerSecond: 2 }] });
  const said = Array.from({ length: 6 }, (_, i) => town.say(`1650555${1000 + i}`, `hello ${i}`));
  await town.world.advance(60_000);
  const waits = said.flatMap(({ wamid }) => textsOf(life(wamid), 'pace'));
  expect(waits.length).toBeGreaterThan(0);
  expect(new Set(waits)).toEqual(new Set(['Waits for its pace: number']));
  expect(book.read({ afterSeq: 0, limit: 5_000 }).some(({ kind }) => kind === 'sendWaiting')).toBe(true);

  const slow = await open();
  slow.town.meta.faults.set({ loseAnswer: { next: 1 }, statusLate: { next: 3, minMs: 8_000, maxMs: 8_000 } });
  slow.town.say(mia, 'first');
  await slow.town.world.advance(1_000);
  const second = slow.town.say(mia, 'second');
  await slow.town.world.advance(30_000);
  expect(textsOf(slow.life(second.wamid), 'lane')).toEqual(['Waits for the send before it']);
});

test('a model that fails: attempts, waits, the fallback, a person', async () => {
  const failing = () => Promise.reject(new ModelFault('overloaded', 'too much', { retryable: true }));
  const { town, life } = await open({ model: () => ({ name: 'failing', reply: failing }) });
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(60_000);
  const steps = life(wamid);
  expect(textsOf(steps, 'model')).toEqual(
    [1, 2, 3].map((attempt) => `Model, attempt ${attempt}: failed (overloaded)`),
  );
  expect(textsOf(steps, 'retry')).toEqual([
    expect.stringMatching(/^Attempt 1 failed \(overloaded\); waits \d+ ms$/),
    expect.stringMatching(/^Attempt 2 failed/),
  ]);
  expect(textsOf(steps, 'activity')).toEqual(['Activity reply: failed (overloaded)']);
  expect(textsOf(steps, 'flag')).toEqual(['A person is asked: replyFailed']);
  expect(kindsOf(steps)).toContain('fallback');
  expect(textsOf(steps, 'send')).toEqual(['Attempt 1: accepted']);
});

test('a commit that its fence refuses, and the turn that takes over', async () => {
  let refusals = 1;
  const wrapStore = (store: Store): Store => ({
    ...store,
    commitTurn: async (commit) => {
      if (refusals === 0) return store.commitTurn(commit);
      refusals -= 1;
      await store.releaseLease({ lease: commit.lease, nowMs: commit.nowMs });
      return { outcome: 'fenceOld' };
    },
  });
  const { town, life } = await open({ wrapStore });
  const { wamid } = town.say(mia, 'hello');
  await town.world.advance(60_000);
  const steps = life(wamid);
  expect(textsOf(steps, 'fence')).toEqual([
    'Turn 1: refused by its fence, another turn has the conversation',
  ]);
  expect(textsOf(steps, 'turn')).toHaveLength(2);
  expect(textsOf(steps, 'send')).toEqual(['Attempt 1: accepted']);
});

test('what a customer asks a person for is handed off', async () => {
  const reply = async () => ({
    text: 'A person comes.',
    handOff: { reason: 'they want a person' },
    usage: { model: 'm', inputTokens: 1, outputTokens: 1 },
  });
  const { town, book, life } = await open({ model: () => ({ name: 'm', reply }) });
  const { wamid } = town.say(mia, 'a person please');
  await town.world.advance(60_000);
  expect(kindsOf(life(wamid))).toContain('handOff');
  // What the model and the customer said is in no moment.
  const moments = JSON.stringify(book.read({ afterSeq: 0, limit: 5_000 }));
  for (const words of ['a person please', 'A person comes.', 'they want a person'])
    expect(moments).not.toContain(words);
});

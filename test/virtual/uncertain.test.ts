import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { createTown, type Town } from './town.ts';

const contact = '16505551234';

function townWith(uncertain?: string): Promise<Town> {
  const settings = { receipts: 'none', ...(uncertain === undefined ? {} : { uncertain }) };
  return createTown({ tenants: [{ id: 'acme', settings }] });
}

/** Other conversations of the number, so that statuses of later sends arrive. */
function keepTalking(town: Town, count: number, everyMs: number): void {
  for (let i = 0; i < count; i += 1) {
    town.at(i * everyMs, () => void town.say(`1650888${1000 + i}`, `other ${i}`));
  }
}

const states = async (town: Town) =>
  (
    await town.store.listSends({
      states: ['queued', 'sending', 'uncertain', 'accepted', 'held', 'failed', 'withdrawn'],
      max: 100,
    })
  ).map((send) => send.state);

describe('an answer that was accepted and whose answer was lost', () => {
  test.each(['loseAnswer', 'loseAnswerAfterHeaders', 'hangAnswer'])(
    'is proven by its status (%s), said once, and frees its lane (I11)',
    async (fault) => {
      const town = await townWith();
      town.meta.faults.set({ [fault]: { next: 1 }, statusLate: { rate: 1, minMs: 500, maxMs: 500 } });
      town.say(contact, 'first');
      town.at(5_000, () => void town.say(contact, 'second'));
      await town.world.advance(limits.graphTimeoutMs + 5_000);
      expect(town.texts()).toEqual(['Echo: first', 'Echo: second']);
      expect(await town.flags()).toEqual([]);
      await town.expectQuiet();
    },
  );

  test('holds its lane meanwhile, and no other', async () => {
    const town = await townWith();
    town.meta.faults.set({ loseAnswer: { next: 1 }, statusLate: { next: 3, minMs: 8_000, maxMs: 8_000 } });
    town.say(contact, 'first');
    town.at(1_000, () => void town.say(contact, 'second'));
    town.at(1_000, () => void town.say('16505550000', 'elsewhere'));
    await town.world.advance(3_000);
    expect(town.texts()).toEqual(['Echo: first', 'Echo: elsewhere']);
    await town.world.advance(10_000);
    expect(town.texts(contact)).toEqual(['Echo: first', 'Echo: second']);
    await town.expectQuiet();
  });

  test.each([131000, 1, 2, 131016, 133004])(
    'the same for the error %i, which promises nothing',
    async (code) => {
      const town = await townWith();
      town.meta.faults.set({ graphError: [{ code, next: 1, accept: true }] });
      town.say(contact, 'hello');
      await town.world.advance(30_000);
      expect(town.texts()).toEqual(['Echo: hello']);
      expect(await town.flags()).toEqual([]);
      await town.expectQuiet();
    },
  );

  test('a status that comes before the answer settles the send, and the answer changes nothing', async () => {
    const town = await townWith();
    town.meta.faults.set({ statusBeforeAnswer: { rate: 1 } });
    for (let i = 0; i < 10; i += 1) town.at(i * 1_000, () => void town.say(contact, `m${i}`));
    await town.world.advance(30_000);
    expect(town.texts()).toHaveLength(10);
    expect(await states(town)).toEqual(Array(10).fill('accepted'));
    expect(await town.flags()).toEqual([]);
    await town.expectQuiet();
  });
});

describe('an error that promises nothing, and nothing was accepted', () => {
  test('is sent again by evidence: after its window, when three later sends were heard of (I11)', async () => {
    const town = await townWith();
    town.meta.faults.set({ graphError: [{ code: 131000, next: 1 }] });
    const { atMs } = town.say(contact, 'hello');
    town.at(1_000, () => keepTalking(town, 20, 1_000));
    await town.world.runUntil(() => town.answers({ to: contact }).length === 1, 40_000);
    expect(town.answers({ to: contact })[0]!.atMs - atMs).toBeGreaterThanOrEqual(
      limits.uncertainWindowAfterErrorMs,
    );
    await town.world.advance(30_000);
    expect(await town.flags()).toEqual([]);
    await town.expectQuiet();
  });

  test('is not sent again where two later sends were heard of: a person is asked, and the lane goes on (I11)', async () => {
    const town = await townWith();
    town.meta.faults.set({ graphError: [{ code: 131000, next: 1 }] });
    town.say(contact, 'hello');
    town.at(1_000, () => keepTalking(town, 2, 1_000));
    // A status behind the end of the window shows that the way was open, and is of no later send than those two.
    town.at(15_000, () =>
      town.meta.inbound.echo(
        { phoneNumberId: town.numberOf('acme'), contact: '16505557777', text: 'hi' },
        town.world.nowMs(),
      ),
    );
    await town.world.advance(limits.uncertainCapMs + 20_000);
    expect(town.texts(contact)).toEqual([]);
    expect(await town.flagged('sendUncertain')).toBe(1);
    expect(await states(town)).toContain('held');
    town.say(contact, 'again');
    await town.world.advance(2_000);
    expect(town.texts(contact)).toHaveLength(1);
    await town.expectQuiet();
  });

  test('where no status arrives at all, the cap ends the wait (I11)', async () => {
    const town = await townWith();
    town.meta.faults.set({ loseAnswer: { next: 1 }, statusLost: { rate: 1 } });
    town.say(contact, 'hello');
    await town.world.advance(limits.uncertainWindowMs + 10_000);
    expect(await states(town)).toEqual(['uncertain']);
    await town.world.advance(limits.uncertainCapMs);
    expect(await states(town)).toEqual(['held']);
    expect(await town.flagged('sendUncertain')).toBe(1);
    await town.expectQuiet();
  });

  test.each([
    { policy: 'resendMayRepeat', texts: ['Echo: hello', 'Echo: hello'], state: 'accepted' },
    { policy: 'dropMayLose', texts: ['Echo: hello'], state: 'withdrawn' },
    { policy: 'holdForPerson', texts: ['Echo: hello'], state: 'held' },
  ])('$policy does what its name says (I11)', async ({ policy, texts, state }) => {
    const town = await townWith(policy);
    town.meta.faults.set({ loseAnswer: { next: 1 }, statusLost: { rate: 1 } });
    town.say(contact, 'hello');
    await town.world.advance(limits.uncertainCapMs + limits.uncertainWindowMs + 10_000);
    expect(town.texts()).toEqual(texts);
    expect(await states(town)).toEqual([state]);
    expect((await town.audit()).missing).toEqual([]);
  });
});

test('a customer who got it twice is counted once: two wamids of one send', async () => {
  const town = await townWith('resendMayRepeat');
  // The status of the lost one comes long after the second one was sent.
  town.meta.faults.set({
    loseAnswer: { next: 1 },
    statusLate: { next: 3, minMs: 1_200_000, maxMs: 1_200_000 },
  });
  town.say(contact, 'hello');
  await town.world.advance(2_000_000);
  expect(town.texts()).toEqual(['Echo: hello', 'Echo: hello']);
  expect((await town.audit()).provenDuplicates).toBe(1);
  expect(await town.metric('nightdesk_duplicates_proven_total')).toBe(1);
});

test('a person decides about a held send: sent again, or told to be accepted', async () => {
  const town = await townWith('holdForPerson');
  town.meta.faults.set({ graphError: [{ code: 131000, next: 2 }], statusLost: { rate: 1 } });
  town.say(contact, 'one');
  await town.world.advance(limits.uncertainCapMs + 20_000);
  town.say('16505550000', 'two');
  await town.world.advance(limits.uncertainCapMs + 20_000);
  const held = await town.store.listSends({ states: ['held'], max: 10 });
  expect(held).toHaveLength(2);
  const resolve = (at: number, verdict: string) =>
    town.command('sends.resolve', { tenantId: 'acme', sendId: held[at]!.sendId, verdict, by: 'Ann' });
  await resolve(0, 'resend');
  await resolve(1, 'accepted');
  await town.world.advance(5_000);
  expect(town.texts()).toHaveLength(1);
  await town.expectQuiet();
});

test('a process that died between the write and the answer: the send is uncertain, proven by its status, and said once (I11)', async () => {
  const town = await townWith();
  town.meta.faults.set({ latencyMs: { minMs: 500, maxMs: 500 } });
  town.say(contact, 'hello');
  await town.world.runUntil(() => town.answers().length === 1, 2_000);
  town.crash();
  await town.world.advance(60_000);
  await town.start();
  await town.world.advance(120_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  expect(await states(town)).toEqual(['accepted']);
  expect(await town.flags()).toEqual([]);
  await town.expectQuiet();
});

test('after ten minutes of downtime the wait for statuses starts anew with the process (I11)', async () => {
  const town = await townWith();
  town.meta.faults.set({ loseAnswer: { next: 1 } });
  town.say(contact, 'hello');
  await town.world.runUntil(() => town.answers().length === 1, 2_000);
  town.crash();
  await town.world.advance(3_600_000);
  await town.start();
  await town.world.advance(30_000);
  expect(await states(town)).toEqual(['uncertain']);
  town.meta.retryNow(town.world.nowMs());
  town.pumpMeta();
  await town.world.advance(30_000);
  expect(await states(town)).toEqual(['accepted']);
  expect(town.texts()).toEqual(['Echo: hello']);
  await town.expectQuiet();
});

import { describe, expect, test } from 'vitest';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { limits } from '#core/limits.ts';
import { ModelFault } from '#core/ports/model.ts';
import { scriptedModel } from './models.ts';
import { createTown } from './town.ts';

const contact = '16505551234';

describe('the fallback text', () => {
  test('comes at most once in fallbackQuietMs, while each failure is flagged', async () => {
    const town = await createTown();
    for (let i = 0; i < 4; i += 1)
      town.at(i * 60_000, () => void town.say(contact, `!fail ${i + 100} times`));
    await town.world.advance(240_000);
    expect(town.texts()).toEqual([defaultTexts.fallback]);
    const [flag] = await town.flags();
    expect(flag).toMatchObject({ reason: 'replyFailed', count: 4 });
    await town.expectQuiet();
    await town.world.advance(limits.fallbackQuietMs);
    town.say(contact, '!fail');
    await town.world.advance(20_000);
    expect(town.texts()).toEqual([defaultTexts.fallback, defaultTexts.fallback]);
    await town.expectQuiet();
  });

  test('is said at once for a fault that no second attempt would mend, and after three attempts for others', async () => {
    const refused = new ModelFault('refused', 'The model refused.', { retryable: false });
    const town = await createTown({ model: (world) => scriptedModel(world, () => refused) });
    const { atMs } = town.say(contact, 'something refused');
    await town.world.runUntil(() => town.answers().length === 1, 500);
    expect(town.answers()[0]!.atMs - atMs).toBeLessThan(10);
    expect(await town.flagged('replyFailed')).toBe(1);
  });

  test('a failure that the next attempt mends is not noticed', async () => {
    const town = await createTown();
    town.say(contact, '!fail 2 please');
    await town.world.advance(9_000);
    expect(town.texts()).toEqual(['Echo: !fail 2 please']);
    expect(town.ai.stats()).toMatchObject({ calls: 3 });
    expect(await town.flags()).toEqual([]);
  });

  test('answers without words: once the text, each time the flag', async () => {
    const town = await createTown({
      model: (world) => scriptedModel(world, () => ({ text: '  ', afterMs: 100 })),
    });
    for (let i = 0; i < 3; i += 1) town.at(i * 5_000, () => void town.say(contact, `m${i}`));
    await town.world.advance(20_000);
    expect(town.texts()).toEqual([defaultTexts.fallback]);
    expect((await town.flags())[0]).toMatchObject({ reason: 'replyFailed', count: 3 });
    await town.expectQuiet();
  });
});

test('two bots do not talk for ever: past repliesPerContactPerHour one text and a flag, then silence that is flagged', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', settings: { repliesPerContactPerHourMax: 3 } }] });
  for (let i = 0; i < 8; i += 1) town.at(i * 10_000, () => void town.say(contact, `m${i}`));
  town.at(5_000, () => void town.say('16505550000', 'somebody else'));
  await town.world.advance(120_000);
  expect(town.texts(contact)).toEqual(['Echo: m0', 'Echo: m1', 'Echo: m2', defaultTexts.muted]);
  expect(town.texts('16505550000')).toEqual(['Echo: somebody else']);
  const [flag] = await town.flags();
  expect(flag).toMatchObject({ reason: 'mutedByLimit', count: 5 });
  expect(town.ai.stats()).toMatchObject({ calls: 4 });
  await town.expectQuiet();
  // In the next hour there is room again.
  await town.world.advance(3_600_000);
  town.say(contact, 'later');
  await town.world.advance(5_000);
  expect(town.texts(contact).at(-1)).toMatch(/^Echo: .*later$/);
  await town.expectQuiet();
});

test('two bots do not tell each other for ever that they cannot read: after three times a person is asked', async () => {
  const town = await createTown();
  const sticker = () => void town.say(contact, '', { type: 'sticker' });
  for (let i = 0; i < 10; i += 1) town.at(i * 10_000, sticker);
  await town.world.advance(120_000);
  expect(town.texts()).toEqual(Array(3).fill(defaultTexts.unsupported));
  expect((await town.flags())[0]).toMatchObject({ reason: 'cannotRead', count: 7 });
  town.say(contact, 'words');
  await town.world.advance(5_000);
  sticker();
  await town.world.advance(5_000);
  expect(town.texts().slice(3)).toEqual([expect.stringMatching(/words$/), defaultTexts.unsupported]);
  expect(await town.audit()).toMatchObject({ missing: [], underWay: 0 });
});

describe('the circuit breaker', () => {
  test('opens after several failures in a row, lets customers know at once, and closes when the model is back', async () => {
    const town = await createTown();
    town.ai.set({ hang: { rate: 1 } });
    for (let i = 0; i < limits.circuitFailuresMax; i += 1) town.say(`1650777${1000 + i}`, `m${i}`);
    await town.world.advance(limits.replyTimeoutMs + 500);
    const calls = () => town.ai.stats().calls;
    const before = calls();
    const { atMs } = town.say(contact, 'now');
    await town.world.runUntil(() => town.texts(contact).length === 1, 1_000);
    expect(town.answers({ to: contact })[0]!.atMs - atMs).toBeLessThan(50);
    expect(calls()).toBe(before);
    // One call tries; it still hangs, so the others go on failing at once.
    await town.world.advance(limits.circuitOpenMs);
    town.say('16505550001', 'try');
    town.say('16505550002', 'wait');
    await town.world.advance(1_000);
    expect(calls()).toBe(before + 1);
    town.ai.clear();
    await town.world.advance(limits.circuitOpenMs + limits.replyTimeoutMs);
    town.say('16505550003', 'back');
    town.say('16505550004', 'not first');
    await town.world.advance(1_000);
    town.say('16505550005', 'too');
    await town.world.advance(1_000);
    expect([town.texts('16505550003'), town.texts('16505550005')]).toEqual([['Echo: back'], ['Echo: too']]);
    await town.expectQuiet();
  });

  test('closes in its time although the clock of the day was set back', async () => {
    const town = await createTown();
    for (let i = 0; i < limits.circuitFailuresMax; i += 1) town.say(`1650777${1000 + i}`, `!fail m${i}`);
    await town.world.advance(20_000);
    town.world.stepClock(-3_600_000);
    await town.world.advance(limits.circuitOpenMs);
    town.say(contact, 'hello');
    await town.world.advance(1_000);
    expect(town.texts(contact)).toEqual(['Echo: hello']);
  });

  test('of one tenant says nothing about another', async () => {
    const town = await createTown({ tenants: [{ id: 'acme' }, { id: 'bolt' }] });
    for (let i = 0; i < limits.circuitFailuresMax; i += 1)
      town.say(`1650777${1000 + i}`, `!fail m${i}`, { tenant: 'acme' });
    await town.world.advance(20_000);
    town.say(contact, 'hello', { tenant: 'bolt' });
    await town.world.advance(1_000);
    expect(town.texts(contact)).toEqual(['Echo: hello']);
  });

  test('does not open for words that a model refuses: one customer cannot silence it for the others', async () => {
    const refused = new ModelFault('refused', 'The model refused.', { retryable: false });
    const town = await createTown({
      model: (world) =>
        scriptedModel(world, (call) => (call.asked[0]?.startsWith('bad') ? refused : { text: 'yes' })),
    });
    for (let i = 0; i < 30; i += 1) town.at(i * 100, () => void town.say(contact, `bad ${i}`));
    await town.world.advance(4_000);
    town.say('16505550000', 'good');
    await town.world.advance(1_000);
    expect(town.texts('16505550000')).toEqual(['yes']);
  });
});

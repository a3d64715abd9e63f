import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wordsOf } from './measure.ts';
import { type ScriptedModel, scriptedModel } from './models.ts';
import { createTown } from './town.ts';

const contact = '16505551234';

describe('quiet time', () => {
  test('five short messages within 2 s become one model call and one answer that holds all five', async () => {
    const town = await createTown({ tenants: [{ id: 'acme', settings: { quietMs: 1_500 } }] });
    for (let i = 0; i < 5; i += 1) town.at(i * 450, () => void town.say(contact, `part ${i}`));
    await town.world.advance(30_000);
    expect(town.texts()).toEqual(['Echo: part 0 | part 1 | part 2 | part 3 | part 4']);
    expect(town.ai.stats()).toMatchObject({ calls: 1 });
    const [answer] = town.answers();
    expect(answer!.atMs - town.meta.said.at(-1)!.atMs).toBeLessThan(1_500 + 400);
    await town.expectQuiet();
  });

  test('quietMaxMs bounds the wait of a customer who never pauses', async () => {
    const town = await createTown({
      tenants: [{ id: 'acme', settings: { quietMs: 1_500, quietMaxMs: 5_000 } }],
    });
    for (let i = 0; i < 30; i += 1) town.at(i * 1_000, () => void town.say(contact, `part ${i}`));
    await town.world.runUntil(() => town.answers().length === 1, 5_500);
    await town.world.advance(60_000);
    expect(town.answers().length).toBeGreaterThanOrEqual(5);
    expect(wordsOf(town.answers())).toEqual(Array.from({ length: 30 }, (_, i) => `part ${i}`));
    await town.expectQuiet();
  });

  test('without it messages of one moment are answered together, in one answer', async () => {
    const town = await createTown();
    for (let i = 0; i < 5; i += 1) town.say(contact, `part ${i}`);
    await town.world.advance(5_000);
    expect(town.texts()).toEqual(['Echo: part 0 | part 1 | part 2 | part 3 | part 4']);
  });
});

describe('messages while an answer is being made', () => {
  test('queue: they are kept and answered next, in one answer', async () => {
    const town = await createTown();
    town.ai.set({ latencyMs: { minMs: 2_000, maxMs: 2_000 } });
    town.say(contact, 'first');
    town.at(500, () => void town.say(contact, 'second'));
    town.at(900, () => void town.say(contact, 'third'));
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['Echo: first', 'Echo: second | third']);
    await town.expectQuiet();
  });

  test('interrupt: the call is ended and all are answered at once', async () => {
    const town = await createTown({ tenants: [{ id: 'acme', settings: { overlap: 'interrupt' } }] });
    town.ai.set({ latencyMs: { minMs: 2_000, maxMs: 2_000 } });
    town.say(contact, 'first');
    town.at(500, () => void town.say(contact, 'second'));
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['Echo: first | second']);
    expect(town.ai.calls(10).map((call) => call.end)).toEqual(['aborted', 'answered']);
    await town.expectQuiet();
  });

  test('interrupt happens at most twice for one answer, then later messages wait for the next one', async () => {
    const town = await createTown({ tenants: [{ id: 'acme', settings: { overlap: 'interrupt' } }] });
    town.ai.set({ latencyMs: { minMs: 2_000, maxMs: 2_000 } });
    for (let i = 0; i < 6; i += 1) town.at(i * 600, () => void town.say(contact, `part ${i}`));
    await town.world.advance(20_000);
    expect(town.texts()).toEqual(['Echo: part 0 | part 1 | part 2', 'Echo: part 3 | part 4 | part 5']);
    const ends = ['aborted', 'aborted', 'answered', 'answered'];
    expect(town.ai.calls(10).map((call) => call.end)).toEqual(ends);
    await town.expectQuiet();
  });
});

describe('what the model is shown', () => {
  test('history stands in the order of turns, and never holds a message that is still in the mailbox', async () => {
    const models: ScriptedModel[] = [];
    const town = await createTown({
      model: (world) => {
        const model = scriptedModel(world, (call) => ({
          text: `answer to ${call.asked.join('+')}`,
          afterMs: 1_000,
        }));
        models.push(model);
        return model;
      },
    });
    for (const [i, atMs] of [0, 400, 700, 2_500, 2_600, 2_700, 9_000].entries()) {
      town.at(atMs, () => void town.say(contact, `m${i}`));
    }
    await town.world.advance(20_000);
    // As the customer saw it: what came while an answer was being made stands before that answer.
    const asTold = ['m0', 'm1', 'm2', 'answer to m0', 'answer to m1+m2'];
    const calls = models[0]!.calls.map((call) => call.request.messages.map((message) => message.text));
    expect(calls).toEqual([
      ['m0'],
      ['m0', 'answer to m0', 'm1', 'm2'],
      [...asTold, 'm3'],
      [...asTold, 'm3', 'answer to m3', 'm4', 'm5'],
      [...asTold, 'm3', 'm4', 'm5', 'answer to m3', 'answer to m4+m5', 'm6'],
    ]);
    await town.expectQuiet();
  });

  test('the history is a window by count and by tokens that begins with the customer', async () => {
    const models: ScriptedModel[] = [];
    const town = await createTown({
      tenants: [{ id: 'acme', settings: { historyMessagesMax: 5 } }],
      model: (world) => {
        const model = scriptedModel(world, () => ({ text: 'yes', afterMs: 100 }));
        models.push(model);
        return model;
      },
    });
    for (let i = 0; i < 10; i += 1) town.at(i * 1_000, () => void town.say(contact, `m${i}`));
    await town.world.advance(20_000);
    const last = models[0]!.calls.at(-1)!.request.messages;
    expect(last.map(({ role, text }) => `${role} ${text}`)).toEqual([
      'user m7',
      'assistant yes',
      'user m8',
      'assistant yes',
      'user m9',
    ]);
  });
});

test('any burst, any quiet time, either overlap: each message stands in exactly one answer, in order (I3, I9)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer({ min: 1, max: 1_000_000 }),
        gapsMs: fc.array(fc.integer({ min: 0, max: 2_500 }), { minLength: 1, maxLength: 12 }),
        quietMs: fc.constantFrom(0, 300, 1_500),
        overlap: fc.constantFrom('queue', 'interrupt'),
        latencyMs: fc.integer({ min: 1, max: 3_000 }),
        shuffleMs: fc.constantFrom(0, 700),
      }),
      async ({ seed, gapsMs, quietMs, overlap, latencyMs, shuffleMs }) => {
        const town = await createTown({ seed, tenants: [{ id: 'acme', settings: { quietMs, overlap } }] });
        town.ai.set({ latencyMs: { minMs: latencyMs, maxMs: latencyMs } });
        town.meta.faults.set({
          shuffleWebhooks: { rate: shuffleMs === 0 ? 0 : 0.5, maxMs: shuffleMs },
          duplicateWebhook: { rate: 0.3, maxMs: 2_000 },
        });
        let atMs = 0;
        const said = gapsMs.map((gapMs, i) => {
          atMs += gapMs;
          town.at(atMs, () => void town.say(contact, `m${i}`));
          return `m${i}`;
        });
        await town.world.advance(atMs + 60_000);
        const words = wordsOf(town.answers());
        expect([...words].sort()).toEqual([...said].sort());
        if (shuffleMs === 0) expect(words).toEqual(said);
        await town.expectQuiet();
      },
    ),
    { numRuns: 40, seed: 20_261_122 },
  );
});

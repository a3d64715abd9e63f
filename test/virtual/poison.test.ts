import { describe, expect, test } from 'vitest';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { ModelFault } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import { brittle, changed, greeter } from './dialogs.ts';
import { scriptedModel } from './models.ts';
import { createTown, type Town } from './town.ts';

const contact = '16505551234';

/** The model says the customer's last word but one, or fails where that is `failing`. */
function townOf(name: string): Promise<Town> {
  return createTown({
    tenants: [{ id: 'acme', dialog: name }],
    dialogs: [brittle, greeter],
    model: (world) =>
      scriptedModel(world, ({ asked }) => {
        const words = asked.at(-1) ?? '';
        if (words.endsWith('failing')) return new ModelFault('badRequest', 'It fails.', { retryable: false });
        return { text: words.endsWith('boom') ? 'boom' : 'an answer', afterMs: 2_000 };
      }),
  });
}

async function talk(town: Town, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    town.say(contact, text);
    await town.world.advance(5_000);
  }
}

describe('an event that makes the dialog throw', () => {
  test.each([
    { where: 'an assign', text: 'break', fault: 'thrown in assign' },
    { where: 'a guard', text: 'break in a guard', fault: 'thrown in guard' },
    { where: 'an assign on a result', text: 'ask boom', fault: 'thrown in assign' },
  ])(
    'in $where: dead letter, fallback text and flag in one commit, and the conversation goes on (I9)',
    async ({ text, fault }) => {
      const town = await townOf('brittle');
      await talk(town, 'hello', text);
      expect(town.texts()).toEqual(['hi', defaultTexts.fallback]);
      const [letter] = await town.store.listDeadLetters({ open: true, max: 10 });
      const [flag] = await town.flags();
      expect(letter?.fault).toContain(fault);
      expect(flag).toMatchObject({ reason: 'deadLetter', createdAtMs: letter?.createdAtMs });
      await talk(town, 'hello');
      expect(town.texts().at(-1)).toBe('hi');
      await town.expectQuiet();
    },
  );

  test('an error of an activity that nothing handles counts as a throw, and the dialog begins anew', async () => {
    const town = await townOf('brittle');
    await talk(town, 'hello', 'ask failing', 'count');
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback, 'count 0']);
    expect(await town.flagged('deadLetter')).toBe(1);
    await town.expectQuiet();
  });

  test('a throw on a message leaves the state as it was', async () => {
    const town = await townOf('brittle');
    await talk(town, 'hello', 'break', 'count');
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback, 'count 1']);
    await town.expectQuiet();
  });

  test('several in one batch: one fallback text, a dead letter each, and their neighbours are answered', async () => {
    const town = await townOf('brittle');
    for (const text of ['hello', 'break', 'break', 'break in a guard', 'hello']) town.say(contact, text);
    await town.world.advance(5_000);
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback, 'hi']);
    expect(await town.store.listDeadLetters({ open: true, max: 10 })).toHaveLength(3);
    await town.expectQuiet();
  });

  test('a dead letter is tried again by a person, once', async () => {
    const town = await townOf('brittle');
    await talk(town, 'break');
    const [letter] = await town.store.listDeadLetters({ open: true, max: 10 });
    const redrive = () =>
      town.command('deadletters.redrive', {
        tenantId: 'acme',
        deadLetterId: letter!.deadLetterId,
        by: 'Ann',
      });
    await redrive();
    await town.world.advance(5_000);
    expect(await town.store.listDeadLetters({ open: true, max: 10 })).toHaveLength(1);
    await expect(redrive()).rejects.toThrow('redriven already');
    await town.expectQuiet();
  });
});

describe('a turn that cannot be committed though the store is well', () => {
  /** A store that refuses the turns that would send this text, as by a bug that nobody foresaw. */
  const refusing = (text: string) => (store: Store) =>
    new Proxy(store, {
      get(target, name) {
        if (name !== 'commitTurn') return target[name as keyof Store];
        const commitTurn: Store['commitTurn'] = async (commit) => {
          const texts = commit.sends.map((send) => (send.body.type === 'text' ? send.body.text.body : ''));
          if (texts.includes(text)) throw new TypeError('This cannot be written.');
          return target.commitTurn(commit);
        };
        return commitTurn;
      },
    });

  test('its event is set aside for a person, the others of the batch are answered, nobody meets silence (I9)', async () => {
    const town = await createTown({
      tenants: [{ id: 'acme', dialog: 'brittle' }],
      dialogs: [brittle],
      wrapStore: refusing('goodbye'),
    });
    for (const text of ['hello', 'bye', 'hello', 'hello']) town.say(contact, text);
    await town.world.advance(5_000);
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback, 'hi', 'hi']);
    expect(await town.flagged('deadLetter')).toBe(1);
    await town.expectQuiet();
  });
});

describe('the ends of a dialog', () => {
  test('after its final state the next message begins a new instance, and a reaction does not', async () => {
    const town = await townOf('brittle');
    await talk(town, 'hello', 'bye');
    const wamid = town.meta.accepted.at(-1)!.wamid;
    town.say(contact, '', { type: 'reaction', messageId: wamid, emoji: '👍' });
    await town.world.advance(5_000);
    await talk(town, 'count');
    expect(town.texts()).toEqual(['hi', 'goodbye', 'count 0']);
    await town.expectQuiet();
  });

  test('a message that the dialog has no answer to gets the fallback text and a flag', async () => {
    const town = await townOf('brittle');
    await talk(town, 'what is this?', 'hello');
    expect(town.texts()).toEqual([defaultTexts.fallback, 'hi']);
    expect(await town.flagged('unexpected')).toBe(1);
    await town.expectQuiet();
  });

  test('a dialog that greets: not for a reaction, an echo or a message of a group, but with the first message', async () => {
    const town = await townOf('greeter');
    town.say(contact, '', { type: 'reaction', messageId: 'wamid.unknown', emoji: '👍' });
    town.say('16505550001', 'in a group', { groupId: 'group' });
    await town.world.advance(5_000);
    expect(town.texts()).toEqual([]);
    await talk(town, 'hello', 'hello');
    expect(town.texts()).toEqual(['welcome', 'yes?', 'yes?']);
    await town.expectQuiet();
  });
});

describe('visits of a state (I8)', () => {
  test('the result of a visit that is over changes nothing: the call is ended, its answer is never said', async () => {
    const town = await townOf('brittle');
    town.say(contact, 'ask');
    town.at(1_000, () => void town.say(contact, 'never mind'));
    town.at(1_500, () => void town.say(contact, 'ask'));
    await town.world.advance(20_000);
    expect(town.texts()).toEqual(['fine', 'an answer']);
    await town.expectQuiet();
  });

  test('a result that came in the same moment as the message that leaves its state is late as well', async () => {
    for (const afterMs of [1_998, 1_999, 2_000, 2_001, 2_002]) {
      const town = await townOf('brittle');
      town.say(contact, 'ask');
      town.at(afterMs, () => void town.say(contact, 'never mind'));
      await town.world.advance(20_000);
      // Either the result came first, and the words after it are unexpected, or they came first, and it is never said.
      expect([['fine'], ['an answer', defaultTexts.fallback]]).toContainEqual(town.texts());
      expect((await town.audit()).missing).toEqual([]);
    }
  });

  test('a timer outlives its process, fires once, and not for a visit that is over', async () => {
    const town = await townOf('brittle');
    await talk(town, 'remind me');
    town.crash();
    await town.world.advance(600_000);
    await town.start();
    await town.world.advance(3_000_000);
    expect(town.texts()).toEqual(['here is your reminder']);
    await talk(town, 'remind me', 'never mind');
    await town.world.advance(4_000_000);
    expect(town.texts()).toEqual(['here is your reminder', 'fine']);
    // A first visit's timer must not end a second visit.
    await talk(town, 'remind me');
    await town.world.advance(1_800_000);
    await talk(town, 'never mind', 'remind me');
    await town.world.advance(2_000_000);
    expect(town.texts()).toHaveLength(3);
    await town.world.advance(2_000_000);
    expect(town.texts().slice(3)).toEqual(['here is your reminder']);
    await town.expectQuiet();
  });
});

describe('a change of the dialog', () => {
  test('a stored state that fits no more begins anew, with a flag; who waits for an answer gets the fallback text', async () => {
    const town = await townOf('brittle');
    await talk(town, 'hello');
    town.say(contact, 'ask');
    await town.world.advance(500);
    await town.stop();
    await town.start({ dialogs: [changed(brittle)] });
    await talk(town, 'count');
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback, 'count 0']);
    expect(await town.flagged('dialogChanged')).toBe(1);
    await town.expectQuiet();
  });

  test('an answer under way at the change is not said, and its customer is told', async () => {
    const town = await townOf('brittle');
    await talk(town, 'hello');
    town.say(contact, 'ask');
    await town.world.advance(500);
    town.crash();
    await town.start({ dialogs: [changed(brittle)] });
    await town.world.advance(20_000);
    expect(town.texts()).toEqual(['hi', defaultTexts.fallback]);
    expect(await town.flagged('dialogChanged')).toBe(1);
    await town.expectQuiet();
  });
});

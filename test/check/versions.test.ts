/** Stored states and newer dialogs: kept snapshots of older code, each way of going on, and what an operator's hold ended. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { assistant } from '#core/dialog/assistant.ts';
import { type Dialog, defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { continuingOf } from '#core/dialog/versions.ts';
import { giftShop } from '../../examples/gift-shop/dialogs/gift-shop.ts';
import { tableBooking } from '../../templates/project/dialogs/table-booking.ts';
import { effectsOf, event, nowMs, text, textsOf, turn } from '../dialog/turns.ts';
import { paidDrawing, say } from './planted/words.ts';

const minuteMs = 60_000;
const snapshots = new URL('../fixtures/snapshots/', import.meta.url);
const kept = readdirSync(snapshots).map((name) => ({
  name,
  stored: JSON.stringify(JSON.parse(readFileSync(new URL(name, snapshots), 'utf8'))),
}));

describe('snapshots that older code stored', () => {
  const dialogs: readonly Dialog[] = [assistant, giftShop, tableBooking];
  const dialogOf = (stored: string) =>
    dialogs.find(({ name }) => name === (JSON.parse(stored) as { dialog: string }).dialog) ?? assistant;

  // The table booking was written without steps then: whoever stood in it is asked anew.
  const goesOn = (name: string) => (name.startsWith('table') ? ['landed', 'new'] : ['same']);

  test.each(kept)('$name goes on, and answers', ({ name, stored }) => {
    const dialog = dialogOf(stored);
    expect(goesOn(name)).toContain(continuingOf(dialog, stored));
    const output = turn(dialog, [text('hello')], { stored });
    expect(output.deadLetters).toEqual([]);
    expect(effectsOf(output, 'flag')).toEqual([]);
  });

  test('what was asked before is still answered', () => {
    const stored = kept.find(({ name }) => name.includes('thinking'))?.stored ?? '';
    const activityId = (JSON.parse(stored) as { activities: { reply: string } }).activities.reply;
    const answer = event('activityDone', { activityId, result: { text: 'Here I am.' } });
    expect(textsOf(turn(assistant, [answer], { stored }))).toEqual(['Here I am.']);
  });

  const purchase = (state: string) =>
    kept.find(({ name }) => name === `gift-shop-1-${state}.json`)?.stored ?? '';
  const goOn = (state: string, happens: ReturnType<typeof event>) =>
    turn(giftShop, [happens], { stored: purchase(state) });

  test('what a customer of the gift shop was in the middle of goes on, in their language', () => {
    const { activities } = JSON.parse(purchase('drawing')) as { activities: { drawing: string } };
    const designs = ['f1', 'f2', 'f3', 'f4'];
    const drawn = event('activityDone', { activityId: activities.drawing, result: { designs } });
    expect(goOn('name', text('Lucía')).stateLabel).toBe('gift-shop/theme');
    expect(effectsOf(goOn('drawing', drawn), 'startActivity')).toMatchObject([
      { name: 'upload', input: { designs } },
    ]);
    expect(goOn('picking', text('3')).stateLabel).toBe('gift-shop/chosen');
    const data = { checkoutId: 'cs_1', metadata: { order: 'GIFT-1A2B3C4D', design: 'f2' } };
    const paid = event('business', { business: { name: 'payment.succeeded', data } });
    expect(textsOf(goOn('paying', paid)).join()).toContain('Tu número de pedido es GIFT-1A2B3C4D');
    const shipped = event('business', { business: { name: 'order.shipped', data: null } });
    expect(textsOf(goOn('bought', shipped))).toHaveLength(1);
  });
});

const machineOf = (states: object, delays: Record<string, number> = {}) =>
  setup({
    types: { context: {} as { name: string; seen: number } },
    actions: { ...dialogActions, note: assign({ seen: ({ context }) => context.seen + 1 }) },
    actors: { draw: fromPromise(() => new Promise(() => {})) },
    delays,
  }).createMachine({
    id: 'gift',
    context: { name: 'nobody', seen: 0 },
    initial: 'asking',
    states: states as never,
  }) as unknown as Dialog['machine'];

const dialogOf = (version: number, states: object, more: Partial<Dialog> = {}): Dialog =>
  defineDialog({
    name: 'gift',
    version,
    activities: { draw: paidDrawing },
    machine: machineOf(states),
    ...more,
  });

const drawing = {
  invoke: {
    src: 'draw',
    id: 'draw',
    onDone: { target: 'asking', actions: say('Here it is.') },
    onError: { target: 'asking', actions: say('That did not work.') },
  },
  on: { voice: { actions: say('Still drawing.') } },
};
const first = dialogOf(1, {
  asking: { on: { text: { target: 'style', actions: say('Which style?') }, image: 'drawing' } },
  style: {
    on: { text: { target: 'asking', actions: ['note', say('Thank you.')] } },
    after: { [10 * minuteMs]: 'asking' },
  },
  drawing,
});
const inStyle = turn(first, [text('hello')]).state;
const inDrawing = turn(first, [event('image')]).state;
const renamed = {
  asking: { on: { text: { target: 'look', actions: say('Which look?') } } },
  look: { on: { text: { target: 'asking', actions: say('Noted.') } } },
};

describe('another version', () => {
  test('goes on where every state is still there with the same activities', () => {
    const second = { ...first, version: 2 };
    expect(continuingOf(second, inStyle)).toBe('restored');
    expect(textsOf(turn(second, [text('pop')], { stored: inStyle }))).toEqual(['Thank you.']);
    const output = turn(second, [event('voice')], { stored: inDrawing });
    expect(textsOf(output)).toEqual(['Still drawing.']);
    expect(effectsOf(output, 'cancelActivity')).toEqual([]);
  });

  test('does not go on where a state runs another activity than before', () => {
    const other = { ...drawing, invoke: { ...drawing.invoke, id: 'paint' } };
    const second = dialogOf(2, { asking: {}, drawing: other });
    expect(continuingOf(second, inDrawing)).toBe('lost');
    const output = turn(second, [text('hello')], { stored: inDrawing });
    expect(effectsOf(output, 'cancelActivity')).toHaveLength(1);
    expect(textsOf(output)[0]).toBe(defaultTexts.fallback);
  });

  test('goes where migrate leads it, with its context', () => {
    const second = dialogOf(2, renamed, {
      migrate: ({ version, value, context }) =>
        version === 1 && value === 'style' ? { value: 'look', context } : null,
    });
    expect(continuingOf(second, inStyle)).toBe('migrated');
    const output = turn(second, [text('pop')], { stored: inStyle });
    expect(textsOf(output)).toEqual(['Noted.']);
    expect(effectsOf(output, 'cancelTimer')).toHaveLength(1);
    expect(effectsOf(output, 'flag')).toEqual([]);
  });

  test.each([
    ['has no state for it', undefined],
    [
      'has a migrate that throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['is led to a state that is not there', () => ({ value: 'nowhere', context: {} })],
  ])('that %s lands, or begins anew where no landing is declared', (_what, migrate) => {
    const more = migrate === undefined ? {} : { migrate };
    const landing = dialogOf(2, renamed, { landing: 'asking', ...more });
    expect(continuingOf(landing, inStyle)).toBe('landed');
    const landed = turn(landing, [text('pop')], { stored: inStyle });
    expect(textsOf(landed)).toEqual(['Which look?']);
    expect(effectsOf(landed, 'flag')).toEqual([]);
    const lost = turn(dialogOf(2, renamed, more), [text('pop')], { stored: inStyle });
    expect(effectsOf(lost, 'flag')).toMatchObject([{ reason: 'dialogChanged' }]);
  });

  test('whoever waited for work that lands is told, and a person too', () => {
    const output = turn(dialogOf(2, renamed, { landing: 'look' }), [text('hello?')], { stored: inDrawing });
    expect(effectsOf(output, 'cancelActivity')).toHaveLength(1);
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'dialogChanged' }]);
    expect(textsOf(output)).toEqual([defaultTexts.fallback, 'Noted.']);
  });

  test('a context that does not fit the schema is not restored; one that lacks a default gets it', () => {
    const schema = (fits: boolean): NonNullable<Dialog['context']> => ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          fits
            ? { value: { size: 'L', ...(value as object) } }
            : { issues: [{ message: 'size is missing' }] },
      },
    });
    expect(continuingOf({ ...first, version: 2, context: schema(false) }, inStyle)).toBe('lost');
    const second = { ...first, version: 2, context: schema(true) };
    const { snapshot } = JSON.parse(turn(second, [text('pop')], { stored: inStyle }).state) as {
      snapshot: { context: object };
    };
    expect(snapshot.context).toMatchObject({ size: 'L', name: 'nobody', seen: 1 });
  });
});

describe('timers of another version', () => {
  const withTimer = (minutes: number) =>
    dialogOf(2, {
      asking: { on: { text: 'style' } },
      style: { on: { voice: { actions: say('In words.') } }, after: { [minutes * minuteMs]: 'asking' } },
    });

  test('that are the same stay as they are', () => {
    const output = turn(withTimer(10), [event('voice')], { stored: inStyle });
    expect([...effectsOf(output, 'setTimer'), ...effectsOf(output, 'cancelTimer')]).toEqual([]);
  });

  test('that are new are set from the time when the state was entered, and vanished ones are cancelled', () => {
    const output = turn(withTimer(30), [event('voice')], { stored: inStyle, nowMs: nowMs + 5 * minuteMs });
    expect(effectsOf(output, 'setTimer').map(({ delayMs }) => delayMs)).toEqual([25 * minuteMs]);
    expect(effectsOf(output, 'cancelTimer')).toHaveLength(1);
  });

  test('that have fired are not set once more', () => {
    const reminding = (version: number) =>
      dialogOf(version, {
        asking: {
          on: { text: { actions: say('Yes?') } },
          after: { [minuteMs]: { actions: say('Are you there?') } },
        },
      });
    const asked = turn(reminding(1), [text('hello')]);
    const [timer] = effectsOf(asked, 'setTimer');
    const fired = event('timer', { timerId: timer?.timerId ?? '', timerToken: timer?.token ?? '' });
    const reminded = turn(reminding(1), [fired], { stored: asked.state });
    expect(textsOf(reminded)).toEqual(['Are you there?']);
    expect(textsOf(turn(reminding(1), [fired], { stored: reminded.state }))).toEqual([]);
    const output = turn(reminding(2), [text('hello')], { stored: reminded.state });
    expect(effectsOf(output, 'setTimer')).toEqual([]);
  });
});

describe('a hand-back', () => {
  const handedBack = event('handedBack', { transcript: [] });

  test('ends work that the take-over cancelled, where the dialog does not do so itself', () => {
    const output = turn(first, [handedBack], { stored: inDrawing });
    expect(textsOf(output)).toEqual(['That did not work.']);
    expect(output.stateLabel).toBe('gift/asking');
  });

  test('leaves alone what the same turn has started, since nobody took that over', () => {
    const output = turn(first, [event('image'), handedBack]);
    expect(effectsOf(output, 'startActivity')).toHaveLength(1);
    expect(effectsOf(output, 'cancelActivity')).toEqual([]);
    expect(output.stateLabel).toBe('gift/drawing');
  });

  test('sets the timers of the present state again for the time that is left', () => {
    const output = turn(first, [handedBack], { stored: inStyle, nowMs: nowMs + 4 * minuteMs });
    expect(effectsOf(output, 'setTimer').map(({ delayMs }) => delayMs)).toEqual([6 * minuteMs]);
    expect(output.stateLabel).toBe('gift/style');
  });
});

test('the timers of a first state are no answer to the first message', () => {
  const dialog = dialogOf(1, {
    asking: {
      on: { text: { actions: say('Yes?') } },
      after: { [minuteMs]: { actions: say('Are you there?') } },
    },
  });
  expect(textsOf(turn(dialog, [event('image')]))).toEqual([defaultTexts.fallback]);
});

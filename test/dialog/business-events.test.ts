/** What the business' own systems tell a dialog: taken where a state names it, and never lost in silence where none does. */
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import {
  type BusinessDialogEvent,
  type DialogEvent,
  defineDialog,
  dialogActions,
} from '#core/dialog/dialog.ts';
import { effectsOf, event, text, textsOf, turn } from './turns.ts';

const fact = (name: string, data: unknown = null) =>
  event('business', { business: { name, data } }, { wamid: null });

const orderOf = (told: unknown) => (told as { data: { order: string } }).data.order;

const shop = defineDialog({
  name: 'shop',
  version: 1,
  activities: {},
  machine: setup({
    types: { context: {} as { order: string }, events: {} as DialogEvent | BusinessDialogEvent },
    actions: {
      ...dialogActions,
      keep: assign({ order: ({ event: told }) => orderOf(told) }),
      break: assign(() => {
        throw new Error('thrown by the dialog');
      }),
    },
  }).createMachine({
    context: { order: '' },
    initial: 'buying',
    on: {
      'business.payment.refunded': { actions: { type: 'say', params: { text: 'Your money is back.' } } },
      'business.newsletter': {},
    },
    states: {
      buying: {
        on: {
          text: { actions: { type: 'say', params: { text: 'Here is the link.' } } },
          'business.payment.succeeded': {
            target: 'paid',
            actions: [
              'keep',
              { type: 'say', params: ({ event: told }) => ({ text: `Paid: ${orderOf(told)}.` }) },
            ],
          },
          'business.payment.failed': { actions: 'break' },
        },
      },
      paid: { on: { text: { target: 'done', actions: { type: 'say', params: { text: 'Bye.' } } } } },
      done: { type: 'final' },
    },
  }),
});

const begun = () => turn(shop, [text('hello')]).state;
const labelAfter = (stored: string, name: string) => turn(shop, [fact(name)], { stored }).stateLabel;

describe('an event of the business', () => {
  test('is the machine event `business.` and its name, with its data', () => {
    const output = turn(shop, [fact('payment.succeeded', { order: 'A-1' })], { stored: begun() });
    expect(output.stateLabel).toBe('shop/paid');
    expect(textsOf(output)).toEqual(['Paid: A-1.']);
    expect(JSON.parse(output.state).snapshot.context).toEqual({ order: 'A-1' });
    expect(output.consumed.map(({ end }) => end)).toEqual(['noAnswerNeeded']);
    expect(effectsOf(output, 'flag')).toEqual([]);
  });

  test('that no state takes asks for a person, says nothing and changes nothing', () => {
    const stored = begun();
    const output = turn(shop, [fact('order.shipped', { secret: 'words' })], { stored });
    expect(effectsOf(output, 'flag')).toEqual([
      {
        ...{ type: 'flag', reason: 'businessEvent', answersThrough: 0 },
        detail: 'the dialog has no answer to the event "order.shipped" of the business',
      },
    ]);
    expect(textsOf(output)).toEqual([]);
    expect(output.state).toBe(stored);
  });

  test('that a state names with an empty transition is wanted by nobody, and no person is asked', () => {
    const output = turn(shop, [fact('newsletter')], { stored: begun() });
    expect(output.effects).toEqual([]);
  });

  test('ends no wait of a message: a flag for it answers nothing that a customer asked', () => {
    const both = [text('hello'), fact('order.shipped')];
    const [flag] = effectsOf(turn(shop, both), 'flag');
    expect(flag?.answersThrough).toBe(0);
  });

  test('begins a dialog that is not under way where its first state takes it, and else asks for a person', () => {
    for (const stored of [null, turn(shop, [text('thanks')], { stored: paidState() }).state]) {
      const taken = turn(shop, [fact('payment.succeeded', { order: 'B-2' })], { stored });
      expect([taken.stateLabel, textsOf(taken)]).toEqual(['shop/paid', ['Paid: B-2.']]);
      const unheard = turn(shop, [fact('order.shipped')], { stored });
      expect(effectsOf(unheard, 'flag').map(({ reason }) => reason)).toEqual(['businessEvent']);
      expect(textsOf(unheard)).toEqual([]);
    }
  });

  test('that makes the dialog throw is a dead letter for a person; the dialog stays where it is and says nothing', () => {
    const stored = begun();
    const output = turn(shop, [fact('payment.failed')], { stored });
    expect(output.deadLetters).toMatchObject([{ fault: 'thrown by the dialog' }]);
    expect(output.consumed.map(({ end }) => end)).toEqual(['deadLetter']);
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'deadLetter', answersThrough: 0 }]);
    expect([textsOf(output), output.state]).toEqual([[], stored]);
    expect(labelAfter(output.state, 'payment.refunded')).toBe('shop/buying');
  });

  test('stands among messages where it came, whatever WhatsApp’s clock says of them', () => {
    const late = text('again', { sentAtMs: 0 + Date.UTC(2026, 10, 22, 11) });
    const output = turn(shop, [text('hello'), fact('payment.refunded'), late]);
    expect(textsOf(output)).toEqual(['Here is the link.', 'Your money is back.', 'Here is the link.']);
  });
});

function paidState(): string {
  return turn(shop, [fact('payment.succeeded', { order: 'A-1' })], { stored: begun() }).state;
}

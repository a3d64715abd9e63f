/** Whoever chose to pay waits for a payment that may never come, and nothing they write helps. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (ways: object) =>
  defineDialog({
    name: 'checkout',
    version: 1,
    activities: {},
    unexpectedText: () => 'Please pay by the link.',
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'asking',
      states: {
        asking: { on: { text: { target: 'paying', actions: say('Pay here: https://pay.example') } } },
        paying: {
          on: { 'business.payment.succeeded': { target: 'paid', actions: say('Thank you!') }, ...ways },
        },
        paid: { type: 'final' },
      },
    }),
  });

export const faulty = make({});
export const sound = make({ text: { target: 'asking', actions: say('Then let us begin anew.') } });

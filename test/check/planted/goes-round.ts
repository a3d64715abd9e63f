/** After a wrong code the customer only goes back and forth between two questions. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (again: object) =>
  defineDialog({
    name: 'coupon',
    version: 1,
    activities: {},
    unexpectedText: () => 'In words, please.',
    machine: setup({
      actions: dialogActions,
      guards: { isCode: ({ event }) => (event as { text?: string }).text === '4711' },
    }).createMachine({
      initial: 'code',
      states: {
        code: {
          on: {
            text: [
              { guard: 'isCode', target: 'done', actions: say('Accepted.') },
              { target: 'retry', actions: say('Wrong. Again?') },
            ],
          },
        },
        retry: { on: { text: { target: 'sure', actions: say('Are you sure?') } } },
        sure: { on: { text: again } },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({ target: 'retry', actions: say('Again?') });
export const sound = make({ target: 'code', actions: say('The code, please.') });

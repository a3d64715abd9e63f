/** A reminder that reminds nobody. */
import { assign, setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (later: object) =>
  defineDialog({
    name: 'reminder',
    version: 1,
    activities: {},
    unexpectedText: () => 'In words, please.',
    machine: setup({
      actions: { ...dialogActions, note: assign({ asked: 1 }) },
      types: { context: {} as { asked: number } },
    }).createMachine({
      context: { asked: 0 },
      initial: 'asking',
      states: {
        asking: {
          on: { text: { target: 'done', actions: say('Thank you.') } },
          after: { 600000: later },
        },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({ target: 'asking', reenter: true });
export const sound = make({ actions: ['note', say('Are you still there?')] });

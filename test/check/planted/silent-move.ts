/** The customer's answer is taken, and nothing is said. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (actions: object) =>
  defineDialog({
    name: 'name',
    version: 1,
    activities: {},
    unexpectedText: () => 'In words, please.',
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'name',
      states: {
        name: { on: { text: { target: 'city', ...actions } } },
        city: { on: { text: { target: 'done', actions: say('Thank you.') } } },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({});
export const sound = make({ actions: say('And your city?') });

/** A state that was forgotten when its way was taken away. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (target: 'second' | 'third') =>
  defineDialog({
    name: 'survey',
    version: 1,
    activities: {},
    unexpectedText: () => 'In words, please.',
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'first',
      states: {
        first: { on: { text: { target, actions: say('And how was the food?') } } },
        second: { on: { text: { target: 'third', actions: say('Thank you.') } } },
        third: { type: 'final' },
      },
    }),
  });

export const faulty = make('third');
export const sound = make('second');

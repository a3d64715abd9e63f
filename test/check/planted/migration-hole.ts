/** Version 2 has no state `colour`, and says what becomes of one state of version 1 but not of this one. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (moved: Readonly<Record<string, string>>) =>
  defineDialog({
    name: 'paint',
    version: 2,
    activities: {},
    unexpectedText: () => 'In words, please.',
    earlier: [
      { version: 1, value: 'size' },
      { version: 1, value: 'colour' },
      { version: 1, value: 'frame' },
    ],
    migrate: ({ value, context }) => {
      const to = moved[String(value)];
      return to === undefined ? null : { value: to, context };
    },
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'size',
      states: {
        size: { on: { text: { target: 'look', actions: say('How shall it look?') } } },
        look: { on: { text: { target: 'done', actions: say('Ordered.') } } },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({ frame: 'look' });
export const sound = make({ frame: 'look', colour: 'look' });

/** A slip of the pen: no event of this name ever comes. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const seen = { target: 'done', actions: say('I see it on the map.') };

const make = (more: object) =>
  defineDialog({
    name: 'place',
    version: 1,
    activities: {},
    unexpectedText: () => 'Where are you?',
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'where',
      states: {
        where: {
          on: {
            text: { target: 'done', actions: say('Thank you.') },
            ...more,
          },
        },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({ loction: seen });
export const sound = make({ location: seen });

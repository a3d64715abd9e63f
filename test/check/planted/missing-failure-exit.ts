/** The drawing may fail, and nobody thought of it. */
import { fromPromise, setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { paidDrawing, say } from './words.ts';

const make = (exits: object) =>
  defineDialog({
    name: 'portrait',
    version: 1,
    activities: { draw: paidDrawing },
    unexpectedText: () => 'One moment please.',
    machine: setup({
      actions: dialogActions,
      actors: { draw: fromPromise(() => new Promise(() => {})) },
    }).createMachine({
      initial: 'asking',
      states: {
        asking: { on: { image: { target: 'drawing', actions: say('I draw it.') } } },
        drawing: {
          invoke: { src: 'draw', onDone: { target: 'shown', actions: say('Here it is.') }, ...exits },
        },
        shown: { type: 'final' },
      },
    }),
  });

export const faulty = make({});
export const sound = make({
  onError: { target: 'asking', actions: say('That did not work. Another photo?') },
});

/** A second word of an impatient customer starts the drawing anew, while the first one is still being made. */
import { fromPromise, setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { paidDrawing, say } from './words.ts';

const make = (meanwhile: object) =>
  defineDialog({
    name: 'poster',
    version: 1,
    activities: { draw: paidDrawing },
    unexpectedText: () => 'Please write it to me.',
    machine: setup({
      actions: dialogActions,
      actors: { draw: fromPromise(() => new Promise(() => {})) },
    }).createMachine({
      initial: 'theme',
      states: {
        theme: { on: { text: { target: 'drawing', actions: say('I draw it.') } } },
        drawing: {
          invoke: {
            src: 'draw',
            onDone: { target: 'done', actions: say('Here it is.') },
            onError: { target: 'theme', actions: say('That did not work. Another theme?') },
          },
          on: { text: meanwhile },
        },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make({ target: 'drawing', reenter: true, actions: say('I draw that instead.') });
export const sound = make({ actions: say('I am still drawing.') });

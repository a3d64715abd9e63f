/** A drawing that fails is tried again by itself: one tap, two payments. */
import { fromPromise, setup } from 'xstate';
import { defineDialog, dialogActions, dialogGuards } from '#core/dialog/dialog.ts';
import { offer, paidDrawing, say } from './words.ts';

const make = (afterFailure: object, more: object) =>
  defineDialog({
    name: 'sketch',
    version: 1,
    activities: { draw: paidDrawing },
    unexpectedText: () => 'One moment please.',
    machine: setup({
      actions: dialogActions,
      guards: dialogGuards,
      actors: { draw: fromPromise(() => new Promise(() => {})) },
    }).createMachine({
      initial: 'offering',
      states: {
        offering: {
          entry: offer('Shall I draw?', ['yes']),
          on: { button: { guard: { type: 'chose', params: { option: 'yes' } }, target: 'drawing' } },
        },
        drawing: {
          invoke: {
            src: 'draw',
            onDone: { target: 'done', actions: say('Here it is.') },
            onError: afterFailure,
          },
        },
        ...more,
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make(
  { target: 'resting', actions: say('It takes longer.') },
  { resting: { after: { 5000: 'drawing' } } },
);
export const sound = make({ target: 'offering', actions: say('That did not work.') }, {});

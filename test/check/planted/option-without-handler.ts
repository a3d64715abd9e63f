/** Three styles are offered; a tap on the third finds nobody. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { offer, say } from './words.ts';

const make = (options: readonly string[]) =>
  defineDialog({
    name: 'styles',
    version: 1,
    activities: {},
    unexpectedText: () => 'Please choose one.',
    machine: setup({
      actions: dialogActions,
      guards: {
        wants: ({ event }, { style }: { style: string }) =>
          (event as { choice?: { id: string } }).choice?.id === style,
      },
    }).createMachine({
      initial: 'greeting',
      states: {
        greeting: { on: { text: 'style' } },
        style: {
          entry: offer('Which style?', options),
          on: {
            button: [
              { guard: { type: 'wants', params: { style: 'pop' } }, target: 'done', actions: say('Pop!') },
              { guard: { type: 'wants', params: { style: 'noir' } }, target: 'done', actions: say('Noir!') },
              { actions: say('Please tap one of them.') },
            ],
          },
        },
        done: { type: 'final' },
      },
    }),
  });

export const faulty = make(['pop', 'noir', 'oil']);
export const sound = make(['pop', 'noir']);

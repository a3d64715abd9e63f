/** A dialog with every durable thing a dialog can have: an activity, a timer, a state that is left early, and a fault. */
import { assign, fromPromise, setup } from 'xstate';
import type { ReplyInput, ReplyOutput } from '#core/dialog/assistant.ts';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const outputOf = (event: unknown) => (event as { output: ReplyOutput }).output.text;
const begins =
  (word: string) =>
  ({ event }: { event: unknown }) =>
    textOf(event).startsWith(word);
const wordOf = (event: unknown) => textOf(event).match(/\bw\d+\b/)?.[0] ?? 'that';

export const reminderAfterMs = 20_000;

export const steps: Dialog = defineDialog({
  name: 'steps',
  version: 1,
  activities: { reply: { deadlineMs: () => 10_000 } },
  machine: setup({
    types: { context: {} as { reminds: string }, events: {} as DialogEvent },
    actors: {
      reply: fromPromise<ReplyOutput, ReplyInput>(() => Promise.reject(new Error('run by the runtime'))),
    },
    actions: {
      ...dialogActions,
      remember: assign({ reminds: ({ event }) => wordOf(event) }),
      breaks: assign(() => {
        throw new Error('a fault of the dialog');
      }),
    },
  }).createMachine({
    context: { reminds: '' },
    initial: 'idle',
    states: {
      idle: {
        on: {
          text: [
            { guard: begins('ask'), target: 'thinking' },
            {
              guard: begins('remind'),
              target: 'waiting',
              actions: [
                'remember',
                { type: 'say', params: ({ event }) => ({ text: `told: ${wordOf(event)}` }) },
              ],
            },
            { guard: begins('break'), actions: 'breaks' },
            { actions: { type: 'say', params: ({ event }) => ({ text: `told: ${wordOf(event)}` }) } },
          ],
        },
      },
      thinking: {
        invoke: {
          src: 'reply',
          id: 'reply',
          input: ({ event }) => {
            const { position } = event as DialogEvent;
            return { after: position - 1, through: position };
          },
          onDone: {
            target: 'idle',
            actions: { type: 'say', params: ({ event }) => ({ text: outputOf(event) }) },
          },
          onError: {
            target: 'idle',
            actions: { type: 'flag', params: { reason: 'replyFailed' as const } },
          },
        },
      },
      waiting: {
        after: {
          [reminderAfterMs]: {
            target: 'idle',
            actions: { type: 'say', params: ({ context }) => ({ text: `reminder: ${context.reminds}` }) },
          },
        },
        on: { text: { guard: begins('ask'), target: 'thinking' } },
      },
    },
  }),
});

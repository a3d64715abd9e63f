/**
 * Dialogs for tests of what the runtime does when a dialog goes wrong, waits, ends or changes. What the customer writes
 * says which way it goes.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { ReplyInput, ReplyOutput } from '#core/dialog/assistant.ts';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';

const reply = {
  reply: fromPromise<ReplyOutput, ReplyInput>(() => Promise.reject(new Error('run by the runtime'))),
};
const activities = { reply: { deadlineMs: () => 10_000 } };

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const outputOf = (event: unknown) => (event as { output: ReplyOutput }).output.text;
const says =
  (...texts: string[]) =>
  ({ event }: { event: unknown }) =>
    texts.includes(textOf(event));
const say = (text: string) => ({ type: 'say' as const, params: { text } });
const askModel = ({ event }: { event: unknown }) => ({ after: 0, through: (event as DialogEvent).position });

function throws(what: string): never {
  throw new Error(`thrown in ${what}`);
}

/** Goes wrong in every way a dialog can. */
export const brittle: Dialog = defineDialog({
  name: 'brittle',
  version: 1,
  activities,
  machine: setup({
    types: { context: {} as { count: number }, events: {} as DialogEvent },
    actors: reply,
    actions: { ...dialogActions, break: assign(() => throws('assign')) },
    guards: {
      breaks: ({ event }) => (textOf(event) === 'break in a guard' ? throws('guard') : false),
      boom: ({ event }) => outputOf(event) === 'boom',
    },
  }).createMachine({
    context: { count: 0 },
    initial: 'idle',
    states: {
      idle: {
        on: {
          text: [
            { guard: 'breaks', target: 'idle' },
            { guard: says('break'), actions: [say('never said'), 'break'] },
            { guard: says('ask', 'ask boom', 'ask failing'), target: 'thinking' },
            { guard: says('remind me'), target: 'waiting' },
            { guard: says('bye'), target: 'over' },
            {
              guard: says('hello'),
              actions: [assign({ count: ({ context }) => context.count + 1 }), say('hi')],
            },
            {
              guard: says('count'),
              actions: { type: 'say', params: ({ context }) => ({ text: `count ${context.count}` }) },
            },
          ],
        },
      },
      thinking: {
        invoke: {
          src: 'reply',
          id: 'reply',
          input: askModel,
          onDone: [
            { guard: 'boom', target: 'idle', actions: 'break' },
            { target: 'idle', actions: { type: 'say', params: ({ event }) => ({ text: outputOf(event) }) } },
          ],
        },
        on: { text: { guard: says('never mind'), target: 'idle', actions: say('fine') } },
      },
      waiting: {
        after: { 3600000: { target: 'idle', actions: say('here is your reminder') } },
        on: { text: { guard: says('never mind'), target: 'idle', actions: say('fine') } },
      },
      over: { entry: say('goodbye'), type: 'final' },
    },
  }),
});

/** Says its first words by itself. */
export const greeter: Dialog = defineDialog({
  name: 'greeter',
  version: 1,
  activities: {},
  machine: setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
    initial: 'first',
    states: { first: { entry: say('welcome'), on: { text: { actions: say('yes?') } } } },
  }),
});

/** The same dialog after a change that its stored states do not survive. */
export const changed = (dialog: Dialog): Dialog => ({
  ...dialog,
  version: dialog.version + 1,
  context: {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never fits' }] }) },
  },
});

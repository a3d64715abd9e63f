/**
 * What the server of the crash tests is configured with: a dialog whose words say what it does, a transcriber without a
 * provider, and waits that are as short as they can be.
 */
import { assign, fromPromise, setup } from 'xstate';
import {
  type ActivityDeclaration,
  type BusinessDialogEvent,
  type Dialog,
  type DialogEvent,
  defineDialog,
  dialogActions,
} from '#core/dialog/dialog.ts';
import { image } from '#core/model/send-builders/index.ts';
import type { NightdeskConfig } from '#runtime/config.ts';
import { buy } from './buying.ts';

export interface ConfigVariant {
  /** Whether the dialog of the second number is there. */
  scripted?: boolean;
  /** Whether it has learned what to do with "break". */
  mended?: boolean;
}

/** How long the dialog takes to say its reminder. */
const reminderAfterMs = 200;

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const orderOf = (event: unknown) => String((event as { data: { order: string } }).data.order);
const says =
  (word: string) =>
  ({ event }: { event: unknown }) =>
    textOf(event).startsWith(word);
/** Makes a file of the words, keeps it and gives it to Meta. */
const draw: ActivityDeclaration = {
  deadlineMs: () => 20_000,
  async run(input, { files }) {
    const { fileId } = await files.put(new TextEncoder().encode(String(input)), 'image/png');
    return { result: await files.upload(fileId) };
  },
};
const answer = {
  type: 'say' as const,
  params: ({ event }: { event: unknown }) => ({ text: `ok ${textOf(event)}` }),
};

const picture = ({ context, event }: { context: { words: string }; event: { output: string } }) => ({
  body: image({ id: event.output }, { caption: `ok ${context.words}` }),
});

const parts = () =>
  setup({
    types: { context: {} as { words: string }, events: {} as DialogEvent | BusinessDialogEvent },
    actors: {
      draw: fromPromise<string, string>(() => Promise.reject(new Error('run by the runtime'))),
      buy: fromPromise<number, string>(() => Promise.reject(new Error('run by the runtime'))),
    },
    actions: {
      ...dialogActions,
      remember: assign({ words: ({ event }) => textOf(event) }),
      break: assign(() => {
        throw new Error('thrown by the dialog');
      }),
    },
  });

function scriptedDialog(mended: boolean): Dialog {
  return defineDialog({
    name: 'scripted',
    version: 1,
    activities: { draw, buy },
    machine: parts().createMachine({
      context: { words: '' },
      initial: 'idle',
      states: {
        idle: {
          on: {
            text: [
              { guard: says('remind'), target: 'waiting', actions: 'remember' },
              { guard: says('draw'), target: 'drawing', actions: 'remember' },
              { guard: says('buy'), target: 'buying', actions: 'remember' },
              { guard: says('break'), actions: mended ? answer : 'break' },
              {
                guard: says('flag'),
                actions: [answer, { type: 'flag', params: { reason: 'customerAsked' } }],
              },
              {
                guard: says('repeat'),
                actions: {
                  type: 'say',
                  params: ({ event }) => ({
                    text: `ok ${textOf(event)}`,
                    uncertainPolicy: 'resendMayRepeat' as const,
                  }),
                },
              },
              { actions: answer },
            ],
            'business.payment.succeeded': {
              actions: { type: 'say', params: ({ event }) => ({ text: `paid ${orderOf(event)}` }) },
            },
          },
        },
        buying: {
          invoke: {
            src: 'buy',
            input: ({ context }) => context.words,
            onDone: {
              target: 'idle',
              actions: { type: 'say', params: ({ context }) => ({ text: `ok ${context.words}` }) },
            },
          },
        },
        drawing: {
          invoke: {
            src: 'draw',
            input: ({ context }) => context.words,
            onDone: {
              target: 'idle',
              actions: { type: 'say', params: picture },
            },
          },
        },
        waiting: {
          after: {
            [reminderAfterMs]: {
              target: 'idle',
              actions: { type: 'say', params: ({ context }) => ({ text: `reminder ${context.words}` }) },
            },
          },
        },
      },
    }),
  });
}

export function configOf({ scripted = true, mended = false }: ConfigVariant): NightdeskConfig {
  return {
    dialogs: scripted ? [scriptedDialog(mended)] : [],
    transcriber: () => ({
      name: 'reader of media ids',
      transcribe: async ({ idempotencyKey }) => ({ text: `<${idempotencyKey.split(':').at(-1)}>` }),
    }),
    limits: {
      // The least that their relations allow with room for a busy machine.
      sendWriteMaxMs: 900,
      attemptAgeMaxMs: 900,
      leaseTtlMs: 3_000,
      sweepEveryMs: 300,
      pruneEveryMs: 4_000,
      uncertainWindowMs: 2_500,
      uncertainCapMs: 2_600,
    },
  };
}

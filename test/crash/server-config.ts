/**
 * What the server of the crash tests is configured with: a dialog whose words say what it does, a transcriber without a
 * provider, and waits that are as short as they can be.
 */
import { assign, setup } from 'xstate';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import type { NightdeskConfig } from '#runtime/config.ts';

export interface ConfigVariant {
  /** Whether the dialog of the second number is there. */
  scripted?: boolean;
  /** Whether it has learned what to do with "break". */
  mended?: boolean;
}

/** How long the dialog takes to say its reminder. */
const reminderAfterMs = 200;

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const says =
  (word: string) =>
  ({ event }: { event: unknown }) =>
    textOf(event).startsWith(word);
const answer = {
  type: 'say' as const,
  params: ({ event }: { event: unknown }) => ({ text: `ok ${textOf(event)}` }),
};

function scriptedDialog(mended: boolean): Dialog {
  return defineDialog({
    name: 'scripted',
    version: 1,
    activities: {},
    machine: setup({
      types: { context: {} as { words: string }, events: {} as DialogEvent },
      actions: {
        ...dialogActions,
        remember: assign({ words: ({ event }) => textOf(event) }),
        break: assign(() => {
          throw new Error('thrown by the dialog');
        }),
      },
    }).createMachine({
      context: { words: '' },
      initial: 'idle',
      states: {
        idle: {
          on: {
            text: [
              { guard: says('remind'), target: 'waiting', actions: 'remember' },
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
      leaseTtlMs: 3_000,
      sweepEveryMs: 300,
      pruneEveryMs: 4_000,
      uncertainWindowMs: 2_500,
      uncertainCapMs: 2_600,
    },
  };
}

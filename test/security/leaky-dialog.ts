/** A dialog that fails with the customer's words in its error, in every way in which code quotes what it was given. */
import { assign, setup } from 'xstate';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';

/** What is thrown, by the first word of a message. */
const ways: Readonly<Record<string, (text: string) => unknown>> = {
  error: (text) => {
    throw new Error(`no price for ${text}`);
  },
  cause: (text) => {
    throw new Error('no price', { cause: new Error(text) });
  },
  lines: (text) => {
    throw new Error(`no price for\n    at ${text} (/x/${text}.ts:1:1)`);
  },
  name: (text) => {
    throw Object.assign(new Error(text), { name: text, code: text });
  },
  operator: (text) => 'price' in (text as unknown as object),
  json: (text) => JSON.parse(text),
  pattern: (text) => new RegExp(`(${text}`),
  number: (text) => BigInt(text),
  words: (text) => {
    throw text;
  },
  thing: (text) => {
    throw { text };
  },
};

export const leaky: { dialog: Dialog; ways: typeof ways } = {
  ways,
  dialog: defineDialog({
    name: 'leaky',
    version: 1,
    activities: {},
    machine: setup({
      types: { context: {} as { last: unknown }, events: {} as DialogEvent },
      actions: {
        ...dialogActions,
        fail: assign({
          last: ({ event }) => {
            const text = textOf(event);
            return ways[text.split(':')[0] ?? '']?.(text);
          },
        }),
      },
    }).createMachine({
      context: { last: null },
      initial: 'idle',
      states: { idle: { on: { text: { actions: 'fail' } } } },
    }),
  }),
};

/** A model that answers and then fails where nobody waits for it any more, with what it was asked in its error. */
import type { NightdeskConfig } from '#runtime/config.ts';
import { leaky } from '../leaky-dialog.ts';

export default {
  dialogs: [leaky.dialog],
  model: (world) => ({
    name: 'bomb',
    reply: async ({ messages }) => {
      const asked = messages.map(({ text }) => text).join(' ');
      world.timers.soon(() => {
        if (asked.includes('reject')) void Promise.reject(new RangeError(`no answer to ${asked}`));
        else throw new RangeError(`no answer to ${asked}`);
      });
      return { text: 'Yes.', usage: { model: 'bomb', inputTokens: 1, outputTokens: 1 } };
    },
  }),
} satisfies NightdeskConfig;

import { messageKeyOf } from '#core/model/events.ts';
import type { Store } from '#core/ports/store.ts';
import type { Variant } from '../variant.ts';

/** Of each installation, the dedupe keys that were claimed. */
const claims = new WeakMap<Store, Set<string>>();

export const claimedNeverDone: Variant = {
  name: 'claimedNeverDone',
  breaks: ['I1', 'I9'],
  what: 'A message’s dedupe key is claimed before the work, in a commit of its own; what is interrupted then is a duplicate for ever.',
  store(store, { world }) {
    const claimed = claims.get(store) ?? new Set();
    claims.set(store, claimed);
    return {
      ...store,
      async append(batch) {
        const messages = batch.messages.filter(({ message }) => !claimed.has(messageKeyOf(message)));
        for (const { message } of messages) claimed.add(messageKeyOf(message));
        await new Promise<void>((resolve) => world.timers.after(20, resolve));
        return store.append({ ...batch, messages });
      },
    };
  },
};

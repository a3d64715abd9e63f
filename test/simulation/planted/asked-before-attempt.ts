import type { Variant } from '../variant.ts';

export const askedBeforeAttempt: Variant = {
  name: 'askedBeforeAttempt',
  breaks: ['I7'],
  what: 'The provider is asked while the attempt is still being written down.',
  store: (store, { world }) => ({
    ...store,
    async beginAttempt(attempt) {
      world.timers.after(200, () => void store.beginAttempt(attempt).catch(() => {}));
      return { outcome: 'begun', idempotencyKey: attempt.activityId };
    },
  }),
};

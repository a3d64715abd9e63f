import type { Variant } from '../variant.ts';

export const statusesNotAwaited: Variant = {
  name: 'statusesNotAwaited',
  breaks: ['I1'],
  what: 'Statuses are collected for a while, and their webhook is answered before that.',
  store: (store, { world }) => ({
    ...store,
    async recordStatuses(batch) {
      world.timers.after(200, () => void store.recordStatuses(batch).catch(() => {}));
      return {
        ...{ applied: 0, duplicates: 0, unmatched: 0, proven: 0, provenDuplicates: 0, failed: 0 },
        provenSends: [],
        freed: [],
      };
    },
  }),
};

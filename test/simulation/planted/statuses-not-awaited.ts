import type { Variant } from '../variant.ts';

export const statusesNotAwaited: Variant = {
  name: 'statusesNotAwaited',
  breaks: ['I1'],
  what: 'Nobody waits for the commit of statuses before their webhook is answered.',
  store: (store) => ({
    ...store,
    async recordStatuses(batch) {
      void store.recordStatuses(batch).catch(() => {});
      return {
        ...{ applied: 0, duplicates: 0, unmatched: 0, proven: 0, provenDuplicates: 0, failed: 0 },
        freed: [],
      };
    },
  }),
};

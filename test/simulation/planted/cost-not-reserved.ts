import type { Variant } from '../variant.ts';

export const costNotReserved: Variant = {
  name: 'costNotReserved',
  breaks: ['I7'],
  what: 'Paid work is started as if it were free.',
  store: (store) => ({
    ...store,
    commitTurn: (commit) =>
      store.commitTurn({ ...commit, activities: commit.activities.map(({ cost: _, ...free }) => free) }),
  }),
};

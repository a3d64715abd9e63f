import type { Variant } from '../variant.ts';

export const paidLimitPerProcess: Variant = {
  name: 'paidLimitPerProcess',
  breaks: ['I7'],
  what: 'Each process counts the limits of paid work for itself, beside the commit of the turn.',
  store: (store, { process }) => ({
    ...store,
    commitTurn: (commit) =>
      store.commitTurn({
        ...commit,
        activities: commit.activities.map((activity) =>
          activity.cost === undefined
            ? activity
            : {
                ...activity,
                claims: activity.claims.map((claim) => ({ ...claim, limit: `${claim.limit}-${process}` })),
              },
        ),
      }),
  }),
};

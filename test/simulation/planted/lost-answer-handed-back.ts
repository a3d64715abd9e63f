import type { Variant } from '../variant.ts';

export const lostAnswerHandedBack: Variant = {
  name: 'lostAnswerHandedBack',
  breaks: ['I7'],
  what: 'A paid request whose answer was lost counts as one that cost nothing.',
  store: (store) => ({
    ...store,
    endAttempt: (attempt) => store.endAttempt({ ...attempt, charged: 'no' }),
    settleActivity: (outcome) =>
      store.settleActivity({
        ...outcome,
        charge: outcome.charge?.kind === 'charged' ? outcome.charge : { kind: 'notCharged' },
      }),
  }),
};

import type { Variant } from '../variant.ts';

export const uncertainForEver: Variant = {
  name: 'uncertainForEver',
  breaks: ['I11', 'liveness'],
  what: 'Uncertain sends are never looked at again.',
  store: (store) => ({
    ...store,
    resolveUncertain: async () => ({
      accepted: 0,
      resent: [],
      held: 0,
      dropped: 0,
      heldSends: [],
      droppedSends: [],
      freed: [],
      nextAtMs: null,
    }),
  }),
};

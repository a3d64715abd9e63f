import type { Variant } from '../variant.ts';

export const uncertainCostLeft: Variant = {
  name: 'uncertainCostLeft',
  breaks: ['I7', 'liveness'],
  what: 'Nobody looks into an uncertain cost once its activity is over.',
  store: (store) => ({
    ...store,
    findWork: async (input) => ({ ...(await store.findWork(input)), charges: [] }),
  }),
};

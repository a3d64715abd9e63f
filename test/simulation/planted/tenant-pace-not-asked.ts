import type { Variant } from '../variant.ts';

export const tenantPaceNotAsked: Variant = {
  name: 'tenantPaceNotAsked',
  breaks: ['I6'],
  what: 'A send asks for a slot of its number and not for one of its tenant.',
  store: (store) => ({
    ...store,
    grantSends: (request) =>
      store.grantSends({
        ...request,
        rulesOf: (send) => ({ ...request.rulesOf(send), tenantPerSecond: null }),
      }),
  }),
};

import type { Variant } from '../variant.ts';

export const acknowledgedBeforeStored: Variant = {
  name: 'acknowledgedBeforeStored',
  breaks: ['I1'],
  what: 'A webhook is answered by 200 at once, and what it brought is stored after that.',
  webhook: (webhook) => ({
    ...webhook,
    async receive(request) {
      void webhook.receive(request);
      return { status: 200 };
    },
  }),
};

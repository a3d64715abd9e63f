import type { Variant } from '../variant.ts';

export const factStoredTwice: Variant = {
  name: 'factStoredTwice',
  breaks: ['I2'],
  what: 'An event of the business is known again only within the second in which it came.',
  store: (store) => ({
    ...store,
    appendBusiness: (event) =>
      store.appendBusiness({
        ...event,
        idempotencyKey: `${event.idempotencyKey} ${Math.floor(event.nowMs / 1_000)}`,
      }),
  }),
};

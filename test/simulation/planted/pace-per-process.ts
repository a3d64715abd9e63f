import type { Variant } from '../variant.ts';

export const pacePerProcess: Variant = {
  name: 'pacePerProcess',
  breaks: ['I6'],
  what: 'Each process keeps the paces of its numbers for itself.',
  store: (store, { process }) => ({
    ...store,
    grantSends: (request) =>
      store.grantSends({
        ...request,
        rulesOf(send) {
          const rules = request.rulesOf(send);
          // A scope that no other process knows has the pace of the number.
          const wabaId = `${send.phoneNumberId} of process ${process}`;
          return { ...rules, wabaId, wabaPerSecond: rules.numberPerSecond, numberPerSecond: 1_000 };
        },
      }),
  }),
};

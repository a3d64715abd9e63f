import type { Variant } from '../variant.ts';

export const windowNotWaited: Variant = {
  name: 'windowNotWaited',
  breaks: ['I11'],
  what: 'The window of an uncertain send is over a minute too early.',
  store: (store) => ({
    ...store,
    resolveUncertain: (input) => store.resolveUncertain({ ...input, nowMs: input.nowMs + 60_000 }),
  }),
};

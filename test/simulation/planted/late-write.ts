import type { Variant } from '../variant.ts';

export const lateWrite: Variant = {
  name: 'lateWrite',
  breaks: ['I5'],
  what: 'A sender that was paused after its send was marked writes it all the same, however old the mark is.',
  store: (store, { world }) => ({
    ...store,
    async grantSends(request) {
      const granted = await store.grantSends(request);
      for (const each of granted)
        if (each.outcome === 'granted')
          Object.defineProperty(each, 'grantedAtMs', { get: world.clock.nowMs });
      return granted;
    },
  }),
};

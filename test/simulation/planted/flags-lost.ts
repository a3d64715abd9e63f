import type { Variant } from '../variant.ts';

export const flagsLost: Variant = {
  name: 'flagsLost',
  breaks: ['I9'],
  what: 'A turn calls its messages flagged, and its flags are not stored.',
  store: (store) => ({
    ...store,
    commitTurn: (commit) => store.commitTurn({ ...commit, flags: [] }),
  }),
};

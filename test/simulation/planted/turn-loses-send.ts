import type { Variant } from '../variant.ts';

export const turnLosesSend: Variant = {
  name: 'turnLosesSend',
  breaks: ['I4', 'I9'],
  what: 'A turn calls its messages answered and does not store the first of its sends.',
  store: (store) => ({
    ...store,
    commitTurn: (commit) => store.commitTurn({ ...commit, sends: commit.sends.slice(1) }),
  }),
};

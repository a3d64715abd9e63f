import type { Lease, Store } from '#core/ports/store.ts';
import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

/** Of each installation, the turns that were committed. */
const turns = new WeakMap<Store, Set<string>>();
/** The lease under which a turn is run again, by its conversation. */
const again = new Map<unknown, Lease>();

const asked = 'SELECT fence, lease_owner, phone_number_id, contact_id, ordinal_next';
const consumes =
  'UPDATE event SET end = ?, fence = ? WHERE tenant_id = ? AND conversation_id = ? AND position = ?';
for (const words of [asked, consumes]) replacing(words, words);

export const lostCommitRunAgain: Variant = {
  name: 'lostCommitRunAgain',
  breaks: ['I3', 'I4', 'I9'],
  what: 'A commit whose answer was lost is taken for refused: its turn is run again, without a look at what was committed.',
  statement(sql, values) {
    const lease = again.get(values[1]);
    if (lease !== undefined && sql.startsWith(asked))
      return sql.replace(
        'lease_owner',
        `iif(committed_fence = ${lease.fence}, '${lease.ownerId}', lease_owner) AS lease_owner`,
      );
    if (again.has(values[3]) && sql.startsWith(consumes)) return sql.replace('AND end IS NULL', '');
    return sql;
  },
  store(store) {
    const committed = turns.get(store) ?? new Set();
    turns.set(store, committed);
    return {
      ...store,
      async commitTurn(commit) {
        const { lease } = commit;
        const { conversationId } = lease.ref;
        const turn = `${conversationId} ${lease.fence}`;
        if (!committed.has(turn)) {
          const answer = await store.commitTurn(commit);
          if (answer.outcome === 'committed') committed.add(turn);
          return answer;
        }
        again.set(conversationId, lease);
        const sends = commit.sends.map((send) => ({ ...send, sendId: `${send.sendId}-again` }));
        try {
          return await store.commitTurn({ ...commit, sends, activities: [], flags: [], deadLetters: [] });
        } finally {
          again.delete(conversationId);
        }
      },
    };
  },
};

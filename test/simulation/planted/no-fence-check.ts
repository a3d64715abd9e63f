import type { Lease } from '#core/ports/store.ts';
import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

/** The lease under which each conversation's turn is being committed. */
const leases = new Map<unknown, Lease>();

const asked = 'SELECT fence, lease_owner, phone_number_id, contact_id, ordinal_next';
const unchanged = replacing(asked, asked);

export const noFenceCheck: Variant = {
  name: 'noFenceCheck',
  breaks: ['I4'],
  what: 'The commit of a turn does not look at the fence: whatever lease it has is taken for the newest.',
  statement(sql, values) {
    const lease = leases.get(values[1]);
    if (lease === undefined || !sql.includes(asked)) return unchanged(sql);
    return sql.replace(
      'SELECT fence, lease_owner',
      `SELECT ${lease.fence} AS fence, '${lease.ownerId}' AS lease_owner`,
    );
  },
  store: (store) => ({
    ...store,
    commitTurn(commit) {
      leases.set(commit.lease.ref.conversationId, commit.lease);
      return store.commitTurn(commit);
    },
  }),
};

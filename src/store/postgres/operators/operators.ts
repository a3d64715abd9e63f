/**
 * What people do and look at; see changes.sql, lists.sql, stats.sql and audit.sql. To let them do something more, write its function in
 * changes.sql and bind it here.
 */

import { transcriptOf } from '#core/history.ts';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import type { OperatorStore, QuarantineRow } from '#core/ports/store-operators.ts';
import type { Database } from '../database/database.ts';
import { callTranscript } from '../mailbox/history.ts';
import { encodeSends } from '../outbox/sends.ts';

type OperatorMethods = Omit<OperatorStore, 'holdAfterRestore' | 'readTranscript'> &
  Pick<Store, 'stats' | 'audit'>;

/** Lines of the transcript that a hand-back gives to the dialog. */
const handBackLinesMax = 20;
/** Where so often something was said while it was read, the dialog is told what had been read; the rest is in its mailbox. */
const handBackReadsMax = 5;

export function operatorMethods(db: Database): OperatorMethods {
  return { ...changeMethods(db), ...listMethods(db) };
}

const idsOf = ({ tenantId, conversationId }: ConversationRef): ConversationRef => ({
  tenantId,
  conversationId,
});

type Changes =
  | 'resolveFlags'
  | 'takeOver'
  | 'replyAsOperator'
  | 'handBack'
  | 'redriveDeadLetter'
  | 'resolveSend'
  | 'markRedriven';

function changeMethods(db: Database): Pick<OperatorMethods, Changes> {
  return {
    resolveFlags: (input) => db.change('resolveFlags', 'resolve_flags', input),
    takeOver: ({ ref, by, nowMs }) => db.change('takeOver', 'take_over', { ...idsOf(ref), by, nowMs }),
    replyAsOperator: ({ ref, by, sends, nowMs }) =>
      db.change('replyAsOperator', 'reply_as_operator', {
        ...idsOf(ref),
        ...{ by, sends: encodeSends(sends), nowMs },
      }),
    handBack: (input) => handBack(db, input),
    redriveDeadLetter: (input) => db.change('redriveDeadLetter', 'redrive_dead_letter', input),
    resolveSend: (input) => db.change('resolveSend', 'resolve_send', input),
    markRedriven: (input) => db.change('markRedriven', 'mark_redriven', input),
  };
}

/** The transcript is read before and holds to the end, or is read anew. */
async function handBack(
  db: Database,
  { ref, by, nowMs }: Parameters<OperatorStore['handBack']>[0],
): Promise<{ reopened: number }> {
  for (let read = 1; ; read += 1) {
    const { positionNext, ordinalNext, ...rows } = await callTranscript(db, ref, handBackLinesMax);
    const lines = transcriptOf({ ...rows, max: handBackLinesMax });
    const transcript = lines.map(({ role, text }) => ({ role, text }));
    const handed = await db.change<{ reopened: number } | null>('handBack', 'hand_back', {
      ...idsOf(ref),
      content: JSON.stringify({ transcript }),
      ...{ by, positionNext, ordinalNext, anyway: read >= handBackReadsMax, nowMs },
    });
    if (handed !== null) return handed;
  }
}

function listMethods(db: Database): Omit<OperatorMethods, Changes> {
  return {
    listFlags: (input) => db.call('list_flags', input),
    listIdleHolds: (input) => db.call('list_idle_holds', input),
    listStates: (input) => db.call('list_states', input),
    findConversation: (input) => db.call('find_conversation', input),
    listDeadLetters: (input) => db.call('list_dead_letters', input),
    listSends: (input) => db.call('list_sends', input),
    async listQuarantine(input) {
      const rows = await db.call<StoredQuarantineRow[]>('list_quarantine', input);
      return rows.map(({ item, bytes, ...row }) => ({
        ...row,
        item: item === null ? null : (JSON.parse(item) as QuarantineRow['item']),
        bytes: bytes === null ? null : new Uint8Array(Buffer.from(bytes, 'base64')),
      }));
    },
    stats: () => db.call('read_stats', { rowsMax: limits.statsRowsMax, pagesMax: limits.statsPagesMax }),
    audit: (input) => db.call('audit', input),
  };
}

type StoredQuarantineRow = Omit<QuarantineRow, 'item' | 'bytes'> & {
  item: string | null;
  bytes: string | null;
};

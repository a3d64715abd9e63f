/** What was said, for a model and for people; see history.sql. To give a line another field, add it there and to `core/history.ts`. */
import {
  type HistoryEventRow,
  type HistorySendRow,
  historyOf,
  type TranscriptEventRow,
  type TranscriptSendRow,
  transcriptOf,
} from '#core/history.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';

/** In appended messages, about. */
const historyCost = 2;

interface Transcript {
  conversationId: string;
  /** Of the conversation as it was read; null where there is none. */
  positionNext: number | null;
  ordinalNext: number | null;
  events: TranscriptEventRow[];
  sends: TranscriptSendRow[];
}

export function callTranscript(db: Database, ref: ConversationRef, max: number): Promise<Transcript> {
  return db.call('read_transcript', {
    tenantId: ref.tenantId,
    conversationId: ref.conversationId,
    max,
  });
}

interface HistoryRows {
  events: HistoryEventRow[];
  sends: HistorySendRow[];
  max: number;
}

export function historyMethods(db: Database): Pick<Store, 'readHistory' | 'readTranscript'> {
  const histories = new Group<object, HistoryRows>(db, {
    function: 'read_histories',
    costOf: () => historyCost,
  });
  return {
    readHistory: async ({ ref: { tenantId, conversationId }, throughFence, max }) =>
      historyOf(await histories.submit({ tenantId, conversationId, throughFence, max })),
    readTranscript: async ({ ref, max }) => transcriptOf({ ...(await callTranscript(db, ref, max)), max }),
  };
}

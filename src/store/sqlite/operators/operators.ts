/**
 * What people do: take over, answer, hand back, resolve flags and sends, redrive. Each change is one transaction and is
 * written down with who made it.
 */

import { Fault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { NewSend } from '#core/model/sends.ts';
import type { SendRef } from '#core/ports/store.ts';
import type { OperatorStore } from '#core/ports/store-operators.ts';
import { survivorOf } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';
import { appendInternal } from '../mailbox/activities.ts';
import { readTranscript } from '../mailbox/history.ts';
import { advanceLane, insertSends, laneOf, nextOfLane, seeInsteadOfAnswered } from '../outbox/sends.ts';
import { handBackConversation, holderOf, noteOwnersWord, takeOverConversation } from './holder.ts';

type Input<K extends keyof OperatorStore> = Parameters<OperatorStore[K]>[0];

const record =
  'INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id, ref) VALUES (?, ?, ?, ?, ?, ?)';
const resolveOne =
  'UPDATE flag SET resolved_at_ms = ?, resolved_by = ? WHERE tenant_id = ? AND flag_id = ? AND resolved_at_ms IS NULL';
const resolveOfConversation =
  'UPDATE flag SET resolved_at_ms = ?, resolved_by = ? WHERE tenant_id = ? AND conversation_id = ? AND resolved_at_ms IS NULL';
const selectDeadLetter = `SELECT d.conversation_id, d.redriven_at_ms, e.kind, e.content, e.class, e.wamid, e.sent_at_ms FROM dead_letter d
  LEFT JOIN event e ON e.tenant_id = d.tenant_id AND e.conversation_id = d.conversation_id AND e.position = d.position
  WHERE d.tenant_id = ? AND d.dead_letter_id = ?`;
const markDeadLetter = 'UPDATE dead_letter SET redriven_at_ms = ? WHERE tenant_id = ? AND dead_letter_id = ?';
const setClass =
  'UPDATE event SET class = ?, wamid = ?, sent_at_ms = ? WHERE tenant_id = ? AND conversation_id = ? AND position = ?';
const selectSend =
  'SELECT conversation_id, phone_number_id, priority, state FROM send WHERE tenant_id = ? AND send_id = ?';
const setSendState =
  'UPDATE send SET state = ?, why = ?, not_before_ms = 0, withdraw_on_return = 0, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?';

function noSuch(ref: ConversationRef): Fault {
  return new Fault(
    'notFound',
    `There is no conversation ${ref.conversationId} of tenant ${ref.tenantId}. List the open flags for the ids of conversations that want a person.`,
  );
}

export function resolveFlags(context: Context, input: Input<'resolveFlags'>): number {
  const { tenantId, by, nowMs } = input;
  let resolved = 0;
  for (const flagId of input.flagIds ?? [])
    resolved += context.db.run(resolveOne, nowMs, by, tenantId, flagId);
  if (input.conversationId !== undefined)
    resolved += context.db.run(resolveOfConversation, nowMs, by, tenantId, input.conversationId);
  if (resolved > 0)
    context.db.run(
      record,
      tenantId,
      nowMs,
      by,
      'resolveFlags',
      input.conversationId ?? null,
      input.flagIds?.join(' ') ?? null,
    );
  return resolved;
}

export function takeOver(
  context: Context,
  { ref: asked, by, nowMs }: Input<'takeOver'>,
): { withdrawn: number; cancelled: string[] } {
  const ref = survivorOf(context, asked);
  if (holderOf(context, ref) === undefined) throw noSuch(ref);
  const taken = takeOverConversation(context, ref, by, nowMs) ?? { withdrawn: 0, cancelled: [] };
  context.db.run(record, ref.tenantId, nowMs, by, 'takeOver', ref.conversationId, null);
  return taken;
}

export function replyAsOperator(
  context: Context,
  input: Input<'replyAsOperator'>,
): { sends: SendRef[]; cancelled: string[] } {
  const { by, nowMs } = input;
  const ref = survivorOf(context, input.ref);
  const { cancelled } = takeOver(context, { ref, by, nowMs });
  const lane = laneOf(context, ref);
  if (lane === undefined) throw noSuch(ref);
  const sends: NewSend[] = input.sends;
  const refs = insertSends(context, { ref, ...lane, sends, nowMs });
  advanceLane(context, ref, sends.length);
  noteOwnersWord(context, ref, nowMs);
  context.db.run(
    record,
    ref.tenantId,
    nowMs,
    by,
    'reply',
    ref.conversationId,
    sends.map((send) => send.sendId).join(' '),
  );
  return { sends: refs, cancelled };
}

export function handBack(
  context: Context,
  { ref: asked, by, nowMs }: Input<'handBack'>,
): { reopened: number } {
  const ref = survivorOf(context, asked);
  if (holderOf(context, ref) === undefined) throw noSuch(ref);
  const transcript = readTranscript(context, { ref, max: 20 }).map(({ role, text }) => ({ role, text }));
  const handed = handBackConversation(context, ref, transcript, nowMs);
  if (handed === null)
    throw new Fault(
      'conflict',
      `Conversation ${ref.conversationId} is not held by an operator, so there is nothing to hand back.`,
    );
  context.db.run(record, ref.tenantId, nowMs, by, 'handBack', ref.conversationId, null);
  return handed;
}

/** Appends a copy of the dead event at the end of its mailbox; the dead letter stays as a record. */
export function redriveDeadLetter(context: Context, input: Input<'redriveDeadLetter'>): ConversationRef {
  const { tenantId, deadLetterId, by, nowMs } = input;
  const row = context.db.get<{
    conversation_id: string;
    redriven_at_ms: number | null;
    kind: string | null;
    content: string | null;
    class: string;
    wamid: string | null;
    sent_at_ms: number;
  }>(selectDeadLetter, tenantId, deadLetterId);
  if (row === undefined)
    throw new Fault('notFound', `There is no dead letter ${deadLetterId} of tenant ${tenantId}.`);
  if (row.redriven_at_ms !== null)
    throw new Fault('conflict', `Dead letter ${deadLetterId} was redriven already.`);
  if (row.kind === null || row.content === null)
    throw new Fault(
      'conflict',
      `The event of dead letter ${deadLetterId} is past its retention and was deleted.`,
    );
  const ref = survivorOf(context, { tenantId, conversationId: row.conversation_id });
  const position = appendInternal(
    context,
    ref,
    row.kind,
    `redrive:${deadLetterId}`,
    JSON.parse(row.content),
    nowMs,
  );
  if (position === null) throw noSuch(ref);
  context.db.run(setClass, row.class, row.wamid, row.sent_at_ms, tenantId, ref.conversationId, position);
  context.db.run(markDeadLetter, nowMs, tenantId, deadLetterId);
  context.db.run(record, tenantId, nowMs, by, 'redriveDeadLetter', ref.conversationId, deadLetterId);
  return ref;
}

export function resolveSend(context: Context, input: Input<'resolveSend'>): SendRef[] {
  const { tenantId, sendId, nowMs } = input;
  const row = context.db.get<{
    conversation_id: string;
    phone_number_id: string;
    priority: SendRef['priority'];
    state: string;
  }>(selectSend, tenantId, sendId);
  if (row === undefined) throw new Fault('notFound', `There is no send ${sendId} of tenant ${tenantId}.`);
  if (row.state !== 'uncertain' && row.state !== 'held') {
    throw new Fault(
      'conflict',
      `Send ${sendId} is ${row.state}; only an uncertain or held send waits for a person's verdict.`,
    );
  }
  const state = { accepted: 'accepted', resend: 'queued', withdraw: 'withdrawn' }[input.verdict];
  if (input.verdict === 'withdraw')
    seeInsteadOfAnswered(context, { tenantId, conversationId: row.conversation_id }, sendId);
  context.db.run(setSendState, state, `${input.verdict} by ${input.by}`, nowMs, tenantId, sendId);
  context.db.run(
    record,
    tenantId,
    nowMs,
    input.by,
    `resolveSend ${input.verdict}`,
    row.conversation_id,
    sendId,
  );
  const next = nextOfLane(context, { tenantId, conversationId: row.conversation_id });
  return next === undefined ? [] : [next];
}

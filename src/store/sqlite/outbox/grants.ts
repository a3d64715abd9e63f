/**
 * Grants: which send may be written to the socket now. In one transaction the head of the lane is checked, the service
 * window, the pauses and the paces of number, pair and tenant; only if all agree do the paces advance and the row
 * becomes `sending`. So several processes share one pace, a restart grants no new burst, and an attempt is durable
 * before its request leaves.
 */
import { limits } from '#core/limits.ts';
import type { FlagReason } from '#core/model/effects.ts';
import type { SendAddress, SendBody, SendOrigin, SendState, UncertainPolicy } from '#core/model/sends.ts';
import { grantAll, type PaceCheck } from '#core/pacing/gcra.ts';
import type { Granted, GrantRequest, PaceRules, PaceScope, SendRef, Store } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { PaceBook, type PaceRow } from './pace-book.ts';
import { isTemplate, nextOfLane, sendTemplateInstead, templateFor } from './sends.ts';
import { withdrawOnReturn } from './settle.ts';

const selectSend = `SELECT s.conversation_id, s.phone_number_id, s.state, s.ordinal, s.attempts, s.not_before_ms, s.updated_at_ms, s.body, s.if_window_closed, s.quote_wamid, s.uncertain_policy, s.owner_id, s.withdraw_on_return,
    c.pair_tat_ms, c.pair_until_ms, c.customer_last_at_ms, c.standby, s.origin, k.phone, k.bsuid
  FROM send s
  JOIN conversation c ON c.tenant_id = s.tenant_id AND c.conversation_id = s.conversation_id
  LEFT JOIN contact k ON k.tenant_id = c.tenant_id AND k.contact_id = c.contact_id
  WHERE s.tenant_id = ? AND s.send_id = ?`;
/** Index: send_open. */
const selectEarlier = `SELECT 1 AS one FROM send WHERE tenant_id = ? AND conversation_id = ? AND state IN ('queued','sending','uncertain') AND ordinal < ? LIMIT 1`;
const selectPrevious = `SELECT state, delivery, coalesce(sending_at_ms, updated_at_ms) AS left_at_ms FROM send WHERE tenant_id = ? AND conversation_id = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT 1`;
const selectBefore = `SELECT body, state, why FROM send WHERE tenant_id = ? AND conversation_id = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT 1`;
const markSending = `UPDATE send SET state = 'sending', attempts = ?, owner_id = ?, sending_at_ms = ?, granted_nth = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?`;
const returnUnused =
  "UPDATE send SET state = 'queued', attempts = attempts - 1, not_before_ms = 0, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const setPair = 'UPDATE conversation SET pair_tat_ms = ? WHERE tenant_id = ? AND conversation_id = ?';
const withdraw = `UPDATE send SET state = 'withdrawn', why = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?`;

interface SendRow {
  conversation_id: string;
  phone_number_id: string;
  state: SendState;
  ordinal: number;
  attempts: number;
  not_before_ms: number;
  updated_at_ms: number;
  body: string;
  if_window_closed: string | null;
  quote_wamid: string | null;
  uncertain_policy: UncertainPolicy;
  owner_id: string | null;
  withdraw_on_return: number;
  pair_tat_ms: number;
  pair_until_ms: number;
  customer_last_at_ms: number | null;
  standby: number;
  origin: SendOrigin;
  phone: string | null;
  bsuid: string | null;
}

export function grantSends(context: Context, request: GrantRequest): Granted[] {
  const book = new PaceBook(context);
  // What one send of a number must wait for, the next one of it must too: it is not looked at again.
  const closed = new Map<string, { atMs: number; scope: PaceScope; paused: boolean }>();
  const granted = request.sends.map((send) => {
    const number = `${send.ref.tenantId}\n${send.phoneNumberId}`;
    const known = closed.get(number);
    if (known !== undefined) return { outcome: 'wait' as const, send, ...known };
    const grant = grantOne(context, book, request, send);
    if (grant.outcome === 'wait' && grant.scope !== 'pair')
      closed.set(number, { atMs: grant.atMs, scope: grant.scope, paused: grant.paused });
    return grant;
  });
  book.write();
  return granted;
}

function grantOne(context: Context, book: PaceBook, request: GrantRequest, asked: SendRef): Granted {
  const { db } = context;
  const { nowMs } = request;
  const { tenantId } = asked.ref;
  const row = returnInDoubt(context, request, asked, db.get<SendRow>(selectSend, tenantId, asked.sendId));
  if (row === undefined || row.state !== 'queued') return { outcome: 'gone', send: asked };
  // The row tells the lane, not the reference: a merge may have moved the send since.
  const conversationId = row.conversation_id;
  const send: SendRef = { ...asked, ref: { tenantId, conversationId }, phoneNumberId: row.phone_number_id };
  if (db.get(selectEarlier, tenantId, conversationId, row.ordinal) !== undefined)
    return { outcome: 'blocked', send };
  // A row that was written in the future was so before the clock was set back: its wait is over.
  if (row.not_before_ms > nowMs && row.updated_at_ms <= nowMs)
    return { outcome: 'wait', send, atMs: row.not_before_ms, scope: 'pair', paused: false };
  const address = addressOf(row);
  if (address === null) return giveUp(context, send, 'sendRefused', 'the contact has no address', nowMs);
  const said = sayable(context, send, row, nowMs);
  if ('outcome' in said) return said;
  // A send would seize the chat from Meta's own agent; only a person may want that.
  if (row.standby === 1 && row.origin !== 'operator')
    return giveUp(context, send, 'standby', "Meta's agent owns the chat now", nowMs);
  const rules = request.rulesOf(send);
  const waitsUntilMs =
    rules.waitDeliveredMs === null
      ? null
      : undeliveredUntil(context, send, row.ordinal, { waitMs: rules.waitDeliveredMs, nowMs });
  if (waitsUntilMs !== null && waitsUntilMs > nowMs)
    return { outcome: 'wait', send, atMs: waitsUntilMs, scope: 'pair', paused: false };
  const refusal = takeSlot(context, book, send, row, rules, nowMs);
  if (refusal !== null) return refusal;
  if (said.isTemplateInstead) sendTemplateInstead(context, { tenantId, sendId: send.sendId }, said.body);
  const attempt = row.attempts + 1;
  const nth = book.nextNth(book.row(tenantId, 'number', send.phoneNumberId));
  db.run(markSending, attempt, request.ownerId, nowMs, nth, nowMs, tenantId, send.sendId);
  return {
    outcome: 'granted',
    send,
    attempt,
    address,
    body: said.body,
    quoteWamid: said.isTemplateInstead ? null : row.quote_wamid,
    uncertainPolicy: row.uncertain_policy,
    grantedAtMs: nowMs,
  };
}

/**
 * A grant whose answer was lost goes back into the lane as if its slot was given back unused, and is judged like any other. What was
 * taken back meanwhile leaves the lane; the sweep finds what stands behind it.
 */
function returnInDoubt(
  context: Context,
  { ownerId, inDoubt, nowMs }: GrantRequest,
  asked: SendRef,
  row: SendRow | undefined,
): SendRow | undefined {
  const isOurs = row?.state === 'sending' && row.owner_id === ownerId && inDoubt?.includes(asked.sendId);
  if (row === undefined || !isOurs) return row;
  const ref = { ...asked.ref, conversationId: row.conversation_id };
  if (row.withdraw_on_return === 1) {
    withdrawOnReturn(context, { ...asked, ref }, null, nowMs);
    return { ...row, state: 'withdrawn' };
  }
  context.db.run(returnUnused, nowMs, ref.tenantId, asked.sendId);
  return { ...row, state: 'queued', attempts: row.attempts - 1, not_before_ms: 0 };
}

/**
 * What may be said now: inside the service window anything, outside of it a template, and the template of a send that has
 * one. Where that stands for several parts, the others are taken back without asking a person.
 */
function sayable(
  context: Context,
  send: SendRef,
  row: SendRow,
  nowMs: number,
): { body: SendBody; isTemplateInstead: boolean } | Granted {
  const isOpen = (row.customer_last_at_ms ?? 0) + limits.serviceWindowMs > nowMs;
  if (isOpen || isTemplate(row.body))
    return { body: JSON.parse(row.body) as SendBody, isTemplateInstead: false };
  const template = templateFor(row.if_window_closed, row.body);
  if (template !== null) return { body: template, isTemplateInstead: true };
  if (row.if_window_closed !== null && isStoodFor(context, send, row.ordinal))
    return takeBack(context, send, stoodFor, nowMs);
  return giveUp(context, send, 'windowClosed', 'the service window is closed', nowMs);
}

const stoodFor = 'the service window is closed, and a template was sent for all of it';

/** The part before left as a template, or was stood for itself; else the customer would have got half of what was said. */
function isStoodFor(context: Context, { ref }: SendRef, ordinal: number): boolean {
  const before = context.db.get<{ body: string; state: SendState; why: string | null }>(
    selectBefore,
    ref.tenantId,
    ref.conversationId,
    ordinal,
  );
  if (before === undefined) return false;
  return before.state === 'withdrawn' ? before.why === stoodFor : isTemplate(before.body);
}

/** Meta takes a phone with a leading plus, or a business-scoped id where no phone is known. */
function addressOf(row: SendRow): SendAddress | null {
  if (row.phone !== null) return { to: row.phone };
  return row.bsuid === null ? null : { recipient: row.bsuid };
}

function giveUp(context: Context, send: SendRef, reason: FlagReason, why: string, nowMs: number): Granted {
  raiseFlag(context, send.ref, reason, why, nowMs);
  return takeBack(context, send, why, nowMs);
}

function takeBack(context: Context, send: SendRef, why: string, nowMs: number): Granted {
  context.db.run(withdraw, why, nowMs, send.ref.tenantId, send.sendId);
  return { outcome: 'withdrawn', send, next: nextOfLane(context, send.ref) ?? null };
}

/** Until when the previous send of the lane is waited for, or null where it was delivered or will never be. */
function undeliveredUntil(
  context: Context,
  send: SendRef,
  ordinal: number,
  { waitMs, nowMs }: { waitMs: number; nowMs: number },
): number | null {
  const { tenantId, conversationId } = send.ref;
  const previous = context.db.get<{ state: SendState; delivery: string; left_at_ms: number }>(
    selectPrevious,
    tenantId,
    conversationId,
    ordinal,
  );
  if (previous === undefined || previous.state !== 'accepted' || previous.left_at_ms > nowMs) return null;
  return previous.delivery === 'none' || previous.delivery === 'sent' ? previous.left_at_ms + waitMs : null;
}

/** Advances every pace that binds the send, or none and says who refused and until when. */
function takeSlot(
  context: Context,
  book: PaceBook,
  send: SendRef,
  row: SendRow,
  rules: PaceRules,
  nowMs: number,
): Granted | null {
  const { tenantId, conversationId } = send.ref;
  if (row.pair_until_ms > nowMs)
    return { outcome: 'wait', send, atMs: row.pair_until_ms, scope: 'pair', paused: false };
  const scopes = scopeRows(book, tenantId, send.phoneNumberId, rules);
  for (const scope of scopes) {
    const opensAtMs = book.opensAtMs(scope, nowMs);
    if (opensAtMs > nowMs)
      return { outcome: 'wait', send, atMs: opensAtMs, scope: scope.scope, paused: true };
  }
  const paced = pacedRows(book, scopes, rules, nowMs);
  const checks: PaceCheck[] = paced.map(([scope, perSecond]) => ({
    pace: book.paceOf(scope, perSecond, nowMs),
    tatMs: scope.tatMs,
  }));
  checks.push({ pace: { everyMs: rules.pairEveryMs, burst: rules.pairBurst }, tatMs: row.pair_tat_ms });
  const grant = grantAll(checks, nowMs);
  if (!grant.granted)
    return {
      outcome: 'wait',
      send,
      atMs: Math.ceil(grant.atMs),
      scope: paced[grant.index]?.[0].scope ?? 'pair',
      paused: false,
    };
  for (const [index, [scope]] of paced.entries()) book.setTat(scope, grant.tatMs[index] ?? nowMs);
  context.db.run(setPair, grant.tatMs.at(-1) ?? nowMs, tenantId, conversationId);
  return null;
}

function scopeRows(book: PaceBook, tenantId: string, phoneNumberId: string, rules: PaceRules): PaceRow[] {
  return [
    book.row(tenantId, 'number', phoneNumberId),
    book.row(tenantId, 'waba', rules.wabaId),
    book.row(tenantId, 'tenant', tenantId),
  ];
}

/** The scopes that have a pace: their own, or while Meta slows them that of the number. */
function pacedRows(book: PaceBook, scopes: PaceRow[], rules: PaceRules, nowMs: number): [PaceRow, number][] {
  const paced: [PaceRow, number][] = [];
  const ownPace = { number: rules.numberPerSecond, waba: rules.wabaPerSecond, tenant: rules.tenantPerSecond };
  for (const scope of scopes) {
    const perSecond = ownPace[scope.scope];
    if (perSecond !== null) paced.push([scope, perSecond]);
    else if (book.isSlowed(scope, nowMs)) paced.push([scope, rules.numberPerSecond]);
  }
  return paced;
}

/** A receipt takes a slot only where half of the burst and one more slot at once stay free: it must never delay an answer. */
export function grantReceipt(context: Context, input: Parameters<Store['grantReceipt']>[0]): boolean {
  const { nowMs, rules } = input;
  const book = new PaceBook(context);
  const scopes = scopeRows(book, input.tenantId, input.phoneNumberId, rules);
  if (scopes.some((scope) => book.opensAtMs(scope, nowMs) > nowMs)) return false;
  const paced = pacedRows(book, scopes, rules, nowMs);
  const checks = paced.map(([scope, perSecond]) => ({
    pace: book.paceOf(scope, perSecond, nowMs),
    tatMs: scope.tatMs,
  }));
  if (checks.some((check) => !hasRoomToSpare(check, nowMs))) return false;
  const grant = grantAll(checks, nowMs);
  if (!grant.granted) return false;
  for (const [index, [scope]] of paced.entries()) book.setTat(scope, grant.tatMs[index] ?? nowMs);
  book.write();
  return true;
}

function hasRoomToSpare({ pace, tatMs }: PaceCheck, nowMs: number): boolean {
  const afterMs = Math.max(tatMs, nowMs) + pace.everyMs;
  return afterMs <= nowMs + Math.min(pace.burst / 2, pace.burst - 1) * pace.everyMs;
}

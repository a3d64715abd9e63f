/**
 * What became of a request: accepted, refused, to be tried later, or nobody knows. A delivery status, a rescue or the
 * answer of an earlier attempt may have been faster, so a settlement that finds its send settled only checks whether
 * both tell of the same wamid: a second one proves that the customer got the message twice.
 */
import type { SendState } from '#core/model/sends.ts';
import { pairBackoffMs } from '#core/pacing/backoff.ts';
import type { PaceChange, SendRef, SendSettlement, SendsSettled } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { holderOf } from '../operators/holder.ts';
import { type Answer, accept } from './accepted.ts';
import { PaceBook } from './pace-book.ts';
import {
  nextOfLane,
  seeInsteadOfAnswered,
  sendTemplateInstead,
  templateFor,
  windowClosedCode,
} from './sends.ts';

const selectSend =
  'SELECT conversation_id, phone_number_id, state, attempts, wamid, second_wamid, withdraw_on_return, body, if_window_closed FROM send WHERE tenant_id = ? AND send_id = ?';

const setRefused =
  "UPDATE send SET state = 'refused', error_code = ?, why = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const setQueued =
  "UPDATE send SET state = 'queued', attempts = ?, not_before_ms = ?, error_code = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const setWithdrawn =
  "UPDATE send SET state = 'withdrawn', why = iif(why = 'the contact was erased', why, 'an operator took over'), error_code = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const setUncertain =
  "UPDATE send SET state = 'uncertain', uncertain_since_ms = ?, uncertain_window_ms = ?, error_code = ?, why = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const setWamid = 'UPDATE send SET wamid = ? WHERE tenant_id = ? AND send_id = ? AND wamid IS NULL';
const setSecondWamid =
  'UPDATE send SET second_wamid = ? WHERE tenant_id = ? AND send_id = ? AND second_wamid IS NULL';
const selectPair = 'SELECT pair_failures FROM conversation WHERE tenant_id = ? AND conversation_id = ?';
const setPair =
  'UPDATE conversation SET pair_failures = ?, pair_until_ms = ? WHERE tenant_id = ? AND conversation_id = ?';

/** States that an acceptance settles, however late. `accepted` without a wamid is a person's word: its statuses are applied now. */
const takesLateAnswer: ReadonlySet<SendState> = new Set(['queued', 'uncertain', 'held', 'accepted']);

interface SendRow {
  conversation_id: string;
  phone_number_id: string;
  state: SendState;
  attempts: number;
  wamid: string | null;
  second_wamid: string | null;
  withdraw_on_return: number;
  body: string;
  if_window_closed: string | null;
}

type Outcome<K extends SendSettlement['outcome']['kind']> = Extract<SendSettlement['outcome'], { kind: K }>;

export function settleSends(context: Context, nowMs: number, settlements: SendSettlement[]): SendsSettled {
  const settled: SendsSettled = {
    freed: [],
    uncertain: [],
    alreadySettled: 0,
    provenDuplicates: 0,
    flagged: 0,
  };
  const book = new PaceBook(context);
  for (const settlement of settlements) settleOne(context, book, settlement, nowMs, settled);
  book.write();
  return settled;
}

function settleOne(
  context: Context,
  book: PaceBook,
  settlement: SendSettlement,
  nowMs: number,
  settled: SendsSettled,
): void {
  const { outcome } = settlement;
  const { tenantId } = settlement.send.ref;
  const { sendId } = settlement.send;
  const row = context.db.get<SendRow>(selectSend, tenantId, sendId);
  if (row === undefined) return;
  // The row tells the lane, not the reference: a merge may have moved the send since.
  const ref = { tenantId, conversationId: row.conversation_id };
  const send: SendRef = { ...settlement.send, ref, phoneNumberId: row.phone_number_id };
  const untilMs =
    outcome.kind === 'retryLater' && outcome.pace !== null
      ? changePace(context, book, send, outcome.pace, nowMs)
      : null;
  if (row.state !== 'sending' || row.attempts !== settlement.attempt) {
    settled.alreadySettled += 1;
    if (outcome.kind === 'accepted') lateAcceptance(context, send, row, outcome, nowMs, settled);
    return;
  }
  if (outcome.kind === 'accepted') {
    noteSecond(context, send, row, outcome.wamid, settled);
    accept(context, send, row.wamid ?? outcome.wamid, outcome, nowMs, settled);
  } else if (row.wamid !== null) {
    // An earlier attempt was accepted after all, so whatever became of this one, the customer has it.
    accept(context, send, row.wamid, null, nowMs, settled);
  } else if (outcome.kind === 'refused') {
    refuse(context, send, row, { outcome, nowMs }, settled);
  } else if (outcome.kind === 'retryLater') {
    giveBack(context, send, row, { outcome, untilMs, nowMs }, settled);
  } else {
    const { windowMs, errorCode, why } = outcome;
    context.db.run(setUncertain, nowMs, windowMs, errorCode, why, nowMs, tenantId, sendId);
    settled.uncertain.push({ send, resolveAtMs: nowMs + windowMs });
    return;
  }
  const next = nextOfLane(context, ref);
  if (next !== undefined) settled.freed.push(next);
}

function refuse(
  context: Context,
  send: SendRef,
  row: SendRow,
  { outcome, nowMs }: { outcome: Outcome<'refused'>; nowMs: number },
  settled: SendsSettled,
): void {
  const { errorCode, reason } = outcome;
  const { tenantId } = send.ref;
  // Meta's clock decides about the window; ours may have been a little late.
  const template =
    errorCode === windowClosedCode && row.withdraw_on_return === 0
      ? templateFor(row.if_window_closed, row.body)
      : null;
  if (template !== null) {
    sendTemplateInstead(context, { tenantId, sendId: send.sendId }, template);
    context.db.run(setQueued, row.attempts, nowMs, errorCode, nowMs, tenantId, send.sendId);
    return;
  }
  context.db.run(setRefused, errorCode, reason, nowMs, send.ref.tenantId, send.sendId);
  const detail = errorCode === null ? reason : `${errorCode}: ${reason}`;
  raiseFlag(context, send.ref, 'sendRefused', detail, nowMs);
  settled.flagged += 1;
}

/** Back into the lane, or out of it where an operator has taken over since. */
function giveBack(
  context: Context,
  send: SendRef,
  row: SendRow,
  { outcome, untilMs, nowMs }: { outcome: Outcome<'retryLater'>; untilMs: number | null; nowMs: number },
  settled: SendsSettled,
): void {
  const { tenantId } = send.ref;
  if (row.withdraw_on_return === 1) {
    if (withdrawOnReturn(context, send, outcome.errorCode, nowMs)) settled.flagged += 1;
    return;
  }
  const attempts = outcome.countsAsAttempt ? row.attempts : row.attempts - 1;
  const notBeforeMs = Math.max(outcome.atMs, untilMs ?? 0);
  context.db.run(setQueued, attempts, notBeforeMs, outcome.errorCode, nowMs, tenantId, send.sendId);
}

/** Out of the lane; tells whether a person was asked. */
export function withdrawOnReturn(
  context: Context,
  { ref, sendId }: SendRef,
  errorCode: number | null,
  nowMs: number,
): boolean {
  context.db.run(setWithdrawn, errorCode, nowMs, ref.tenantId, sendId);
  seeInsteadOfAnswered(context, ref, sendId);
  if (holderOf(context, ref)?.holder !== 'bot') return false;
  // The operator handed back while it was on the wire, and may believe that it arrived.
  raiseFlag(context, ref, 'tookOver', 'an answer was withdrawn after the hand-back', nowMs);
  return true;
}

/** The answer came after a status, a rescue, a person or another attempt had settled the send. */
function lateAcceptance(
  context: Context,
  send: SendRef,
  row: SendRow,
  outcome: Answer,
  nowMs: number,
  settled: SendsSettled,
): void {
  if (row.wamid !== null) {
    noteSecond(context, send, row, outcome.wamid, settled);
  } else if (takesLateAnswer.has(row.state)) {
    accept(context, send, outcome.wamid, outcome, nowMs, settled);
    const next = nextOfLane(context, send.ref);
    if (next !== undefined) settled.freed.push(next);
  } else {
    // Another attempt is on the wire, or the send was given up: kept as the proof that this one arrived.
    context.db.run(setWamid, outcome.wamid, send.ref.tenantId, send.sendId);
  }
}

/** A second wamid of one send: the customer got it twice. Counted once, whether an answer or a status tells of it. */
function noteSecond(
  context: Context,
  send: SendRef,
  row: SendRow,
  wamid: string,
  settled: SendsSettled,
): void {
  if (row.wamid === null || row.wamid === wamid || row.second_wamid !== null) return;
  context.db.run(setSecondWamid, wamid, send.ref.tenantId, send.sendId);
  settled.provenDuplicates += 1;
}

/** Slows, pauses or backs off a scope; returns until when this send waits at least, if the scope says so. */
function changePace(
  context: Context,
  book: PaceBook,
  send: SendRef,
  change: PaceChange,
  nowMs: number,
): number | null {
  const { tenantId, conversationId } = send.ref;
  if (change.scope === 'pair') {
    const pair = context.db.get<{ pair_failures: number }>(selectPair, tenantId, conversationId);
    const failures = pair?.pair_failures ?? 0;
    const untilMs = nowMs + pairBackoffMs(failures);
    context.db.run(setPair, failures + 1, untilMs, tenantId, conversationId);
    return untilMs;
  }
  const key =
    change.scope === 'number' ? send.phoneNumberId : change.scope === 'waba' ? change.wabaId : tenantId;
  const row = book.row(tenantId, change.scope, key);
  if (change.change === 'slow') book.slow(row, nowMs, change.retryAfterMs);
  else book.pause(row, change.untilMs, change.reason);
  return null;
}

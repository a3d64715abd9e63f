/**
 * The ledger: one entry for each request to a provider, moved by the table of `core/model/ledger.ts` and by nothing else,
 * with the postings of each move beside it in the same commit. Postings are never changed nor deleted. An activity that is
 * over leaves either nothing open, or an uncertain entry that is looked into until it is known or was tried often enough;
 * then it counts as spent and a person is asked.
 */
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import {
  idempotencyKeyOf,
  type LedgerEvent,
  type LedgerState,
  ledgerTransitions,
  postingsOf,
} from '#core/model/ledger.ts';
import type { ActivityOutcome, LimitClaim } from '#core/ports/store.ts';
import type { AttemptBegun, AttemptRef, OpenCharge, ReservedCost } from '#core/ports/store-money.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { giveBack, judgeClaims, presentClaims, type TakenClaim, takenAt } from './limits.ts';

/** Index: ledger_entry_open. */
const selectOpen = `SELECT * FROM ledger_entry
  WHERE tenant_id = ? AND activity_id = ? AND state IN ('reserved','calling','uncertain','asking')`;
const insertEntry = `INSERT INTO ledger_entry (tenant_id, activity_id, request, conversation_id, contact_id, activity, day, currency, reserved_micros,
  state, on_uncertain, late, claims, owner_id, lease_until_ms, created_at_ms, updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?)`;
const updateEntry = `UPDATE ledger_entry SET state = ?, spent_micros = ?, presumed = ?, tries = ?, postings = ?, owner_id = ?, lease_until_ms = ?, next_at_ms = ?, updated_at_ms = ?
  WHERE tenant_id = ? AND activity_id = ? AND request = ?`;
const insertPosting = `INSERT INTO ledger_posting (tenant_id, activity_id, request, nth, at_ms, from_place, to_place, amount_micros)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const addSpent = `INSERT INTO ledger_day (tenant_id, day, currency, spent_micros) VALUES (?, ?, ?, ?)
  ON CONFLICT (tenant_id, day, currency) DO UPDATE SET spent_micros = spent_micros + excluded.spent_micros`;
const selectRunner = 'SELECT state, owner_id FROM activity WHERE tenant_id = ? AND activity_id = ?';
/** Index: ledger_entry_open. */
const selectOfConversation = `SELECT e.* FROM ledger_entry e INDEXED BY ledger_entry_open JOIN activity a ON a.tenant_id = e.tenant_id AND a.activity_id = e.activity_id
  WHERE e.tenant_id = ? AND a.conversation_id = ? AND e.state IN ('reserved','calling','uncertain','asking')`;
/** Index: ledger_entry_open; what is open is small. */
const selectAbandoned = `SELECT * FROM ledger_entry WHERE state IN ('reserved','calling','uncertain','asking')
  AND owner_id IS NOT NULL AND iif(?, owner_id <> ?, lease_until_ms <= ?)`;

/** Index: ledger_entry_open. */
const selectEveryOpen =
  "SELECT * FROM ledger_entry WHERE state IN ('reserved','calling','uncertain','asking')";

interface EntryRow {
  tenant_id: string;
  activity_id: string;
  request: number;
  conversation_id: string;
  contact_id: string;
  activity: string;
  day: string;
  currency: string;
  reserved_micros: number;
  spent_micros: number | null;
  state: LedgerState;
  presumed: number;
  on_uncertain: ReservedCost['onUncertain'];
  late: ReservedCost['late'];
  claims: string;
  tries: number;
  postings: number;
  owner_id: string | null;
  lease_until_ms: number | null;
  next_at_ms: number | null;
}

export interface NewEntry {
  ref: ConversationRef;
  activityId: string;
  contactId: string;
  activity: string;
  cost: ReservedCost;
  claims: TakenClaim[];
  ownerId: string | null;
  nowMs: number;
}

/** Reserves what a start may cost. */
export function reserve(context: Context, entry: NewEntry, request = 1): void {
  const { ref, activityId, cost, nowMs } = entry;
  context.db.run(
    insertEntry,
    ref.tenantId,
    activityId,
    request,
    ref.conversationId,
    entry.contactId,
    entry.activity,
    new Date(nowMs).toISOString().slice(0, 10),
    cost.currency,
    cost.amountMicros,
    cost.onUncertain,
    cost.late,
    JSON.stringify(entry.claims),
    entry.ownerId,
    entry.ownerId === null ? null : nowMs + limits.leaseTtlMs,
    nowMs,
    nowMs,
  );
  const row = openEntry(context, ref.tenantId, activityId);
  if (row === undefined) throw new Error(`The entry of ${activityId} is not there after it was reserved.`);
  post(context, row, nowMs, [{ from: 'budget', to: 'reserved', amountMicros: cost.amountMicros }]);
  write(context, row, nowMs);
}

export function openEntry(context: Context, tenantId: string, activityId: string): EntryRow | undefined {
  return context.db.get<EntryRow>(selectOpen, tenantId, activityId);
}

export function openChargeOf(entry: EntryRow, isOver: boolean): OpenCharge {
  return {
    currency: entry.currency,
    amountMicros: entry.reserved_micros,
    onUncertain: entry.on_uncertain,
    late: entry.late,
    isUncertain: entry.state !== 'reserved',
    isOver,
  };
}

function write(context: Context, row: EntryRow, nowMs: number): void {
  context.db.run(
    updateEntry,
    row.state,
    row.spent_micros,
    row.presumed,
    row.tries,
    row.postings,
    row.owner_id,
    row.lease_until_ms,
    row.next_at_ms,
    nowMs,
    row.tenant_id,
    row.activity_id,
    row.request,
  );
}

function post(context: Context, row: EntryRow, nowMs: number, postings: ReturnType<typeof postingsOf>): void {
  for (const { from, to, amountMicros } of postings) {
    row.postings += 1;
    const of = [row.tenant_id, row.activity_id, row.request, row.postings] as const;
    context.db.run(insertPosting, ...of, nowMs, from, to, amountMicros);
  }
}

/** The one way in which an entry changes its state. */
function move(
  context: Context,
  row: EntryRow,
  event: LedgerEvent,
  nowMs: number,
  spentMicros?: number,
): void {
  const to = ledgerTransitions[row.state][event];
  if (to === 'never')
    throw new Error(
      `The ledger was told "${event}" of ${row.activity_id}, request ${row.request}, which is ${row.state}. Nothing was changed; this is a bug of the caller.`,
    );
  const money = { reservedMicros: row.reserved_micros, spentMicros: spentMicros ?? 0 };
  post(context, row, nowMs, postingsOf(row.state, to, money));
  row.state = to;
  if (to === 'settled' || to === 'refunded')
    Object.assign(row, { owner_id: null, lease_until_ms: null, next_at_ms: null });
  if (to === 'settled') {
    row.spent_micros = money.spentMicros;
    context.db.run(addSpent, row.tenant_id, row.day, row.currency, money.spentMicros);
  }
  write(context, row, nowMs);
}

const claimsOf = (row: EntryRow) => JSON.parse(row.claims) as TakenClaim[];

/** What a request really cost; the rest goes back to the budget, and to limits of money. */
export function settleCharged(
  context: Context,
  row: EntryRow,
  amountMicros: number | null,
  nowMs: number,
): void {
  const spentMicros = amountMicros ?? row.reserved_micros;
  move(context, row, 'charged', nowMs, spentMicros);
  giveBack(context, row.tenant_id, claimsOf(row), (claim) =>
    claim.unit === 'micros' ? claim.amount - spentMicros : 0,
  );
}

/** Counted as spent though nobody knows: the limits keep what it took. */
function presume(context: Context, row: EntryRow, nowMs: number): void {
  row.presumed = 1;
  move(context, row, 'presume', nowMs, row.reserved_micros);
}

/** Nothing was asked and nothing will be: budget and limits have it back. */
function release(context: Context, row: EntryRow, nowMs: number): void {
  move(context, row, 'release', nowMs);
  giveBack(context, row.tenant_id, claimsOf(row), (claim) => claim.amount);
}

/** Nobody waits for a result any more. A request that is being made says itself what became of it. */
function leaveOver(context: Context, row: EntryRow, nowMs: number): void {
  if (row.state === 'reserved') release(context, row, nowMs);
  if (row.state !== 'uncertain') return;
  const canBeKnown = row.on_uncertain === 'retryWithKey' || row.on_uncertain === 'lookup';
  if (canBeKnown && row.tries < limits.chargeTriesMax) {
    const waitMs = Math.min(limits.chargeBackoffMaxMs, limits.chargeBackoffBaseMs * 2 ** row.tries);
    Object.assign(row, {
      tries: row.tries + 1,
      owner_id: null,
      lease_until_ms: null,
      next_at_ms: nowMs + waitMs,
    });
    write(context, row, nowMs);
    return;
  }
  presumeAndFlag(context, row, nowMs);
}

function presumeAndFlag(context: Context, row: EntryRow, nowMs: number): void {
  presume(context, row, nowMs);
  const ref = { tenantId: row.tenant_id, conversationId: row.conversation_id };
  const detail = `${row.activity} ${row.activity_id}: up to ${row.reserved_micros} millionths of ${row.currency}`;
  raiseFlag(context, ref, 'chargeUncertain', detail, nowMs);
}

/** The activities of a conversation were cancelled, or one of them. */
export function cancelCharges(context: Context, ref: ConversationRef, nowMs: number): void {
  for (const row of context.db.all<EntryRow>(selectOfConversation, ref.tenantId, ref.conversationId))
    if (!isRunning(context, row)) leaveOver(context, row, nowMs);
}

function isRunning(context: Context, row: EntryRow): boolean {
  const runner = context.db.get<{ state: string }>(selectRunner, row.tenant_id, row.activity_id);
  return runner?.state === 'running';
}

/** The open entry of an attempt, if it is its owner's. */
function ownEntry(context: Context, { ref, activityId, ownerId }: AttemptRef): EntryRow | undefined {
  const row = openEntry(context, ref.tenantId, activityId);
  return row?.owner_id === ownerId ? row : undefined;
}

export function beginAttempt(context: Context, attempt: AttemptRef): AttemptBegun {
  const row = ownEntry(context, attempt);
  if (row === undefined) return { outcome: 'gone' };
  const { nowMs } = attempt;
  // An attempt before this one ended without a word of how.
  if (row.state === 'calling' || row.state === 'asking') move(context, row, 'lost', nowMs);
  if (row.state === 'reserved' || row.on_uncertain === 'retryMayPayTwice') {
    if (!isRunning(context, row)) {
      leaveOver(context, row, nowMs);
      return { outcome: 'gone' };
    }
  }
  const idempotencyKey = () => idempotencyKeyOf(row.activity_id, row.request);
  if (row.state === 'reserved' || row.on_uncertain === 'retryWithKey') {
    move(context, row, 'begin', nowMs);
    return { outcome: 'begun', idempotencyKey: idempotencyKey() };
  }
  if (row.on_uncertain === 'retryMayPayTwice') return payAgain(context, row, nowMs);
  return { outcome: 'uncertain', idempotencyKey: idempotencyKey() };
}

/** Another request, another cost: it is reserved anew, and limits of money judge it anew. */
function payAgain(context: Context, row: EntryRow, nowMs: number): AttemptBegun {
  const { tenant_id: tenantId, activity_id: activityId } = row;
  const ofMoney: LimitClaim[] = claimsOf(row).filter((claim) => claim.unit === 'micros');
  const claims = presentClaims(context, tenantId, ofMoney);
  const [refusal] = judgeClaims(context, tenantId, [{ activityId, claims }], nowMs);
  if (refusal !== undefined) return { outcome: 'refused', limit: refusal.limit };
  const { owner_id: ownerId } = row;
  presume(context, row, nowMs);
  const request = row.request + 1;
  const entry: NewEntry = {
    ref: { tenantId, conversationId: row.conversation_id },
    ...{ activityId, contactId: row.contact_id, activity: row.activity, ownerId, nowMs },
    cost: {
      ...{ currency: row.currency, amountMicros: row.reserved_micros },
      ...{ onUncertain: row.on_uncertain, late: row.late },
    },
    claims: takenAt(claims, nowMs),
  };
  reserve(context, entry, request);
  const next = openEntry(context, tenantId, activityId);
  if (next !== undefined) move(context, next, 'begin', nowMs);
  return { outcome: 'begun', idempotencyKey: idempotencyKeyOf(activityId, request) };
}

export function endAttempt(
  context: Context,
  attempt: AttemptRef & { charged: 'no' | 'disproved' | 'maybe' },
): void {
  const row = ownEntry(context, attempt);
  if (row === undefined) return;
  note(context, row, attempt.charged, attempt.nowMs);
  if (!isRunning(context, row)) leaveOver(context, row, attempt.nowMs);
}

/** What a failed attempt tells of the money; what was lost before it stays so. */
function note(context: Context, row: EntryRow, charged: 'no' | 'disproved' | 'maybe', nowMs: number): void {
  const isUnderWay = row.state === 'calling' || row.state === 'asking';
  if (charged === 'disproved' && row.state === 'uncertain') move(context, row, 'disproved', nowMs);
  else if (isUnderWay) move(context, row, charged === 'no' ? 'notCharged' : 'lost', nowMs);
}

/**
 * The money of an activity that ends now, as far as whoever ran it knows. Where nothing is known
 * it follows from the state: what had not begun cost nothing, what had is uncertain.
 */
export function settleCharge(context: Context, row: EntryRow, { charge, nowMs }: ChargeOutcome): void {
  if (charge?.kind === 'charged') {
    settleCharged(context, row, charge.amountMicros, nowMs);
    return;
  }
  const charged = charge?.kind === 'notCharged' ? 'no' : charge?.kind === 'disproved' ? 'disproved' : 'maybe';
  note(context, row, charged, nowMs);
  leaveOver(context, row, nowMs);
}

type ChargeOutcome = Pick<ActivityOutcome, 'charge' | 'nowMs'>;

/**
 * After a restore: whatever was open may have been asked and charged for since the backup, also what had not begun in it.
 * Nothing is asked that could cost: a provider forgets keys after a time, so only where it is looked up it is still found
 * out, once its activity is over. Returns how many entries were open.
 */
export function holdCharges(context: Context, nowMs: number): number {
  const rows = context.db.all<EntryRow>(selectEveryOpen);
  for (const row of rows) {
    Object.assign(row, { owner_id: null, lease_until_ms: null });
    if (row.state === 'reserved') move(context, row, 'begin', nowMs);
    if (row.state !== 'uncertain') move(context, row, 'lost', nowMs);
    if (row.on_uncertain !== 'lookup') presumeAndFlag(context, row, nowMs);
    else if (!isRunning(context, row)) leaveOver(context, row, nowMs);
  }
  return rows.length;
}

/** Requests that a dead process had under way are uncertain; the rest is free for others. Returns how many it was. */
export function rescueCharges(
  context: Context,
  input: { ownerId: string; nowMs: number; all: boolean },
): number {
  const { ownerId, nowMs, all } = input;
  const rows = context.db.all<EntryRow>(selectAbandoned, all ? 1 : 0, ownerId, nowMs);
  for (const row of rows) {
    Object.assign(row, { owner_id: null, lease_until_ms: null });
    if (row.state === 'calling' || row.state === 'asking') move(context, row, 'lost', nowMs);
    else write(context, row, nowMs);
    if (!isRunning(context, row)) leaveOver(context, row, nowMs);
  }
  return rows.length;
}

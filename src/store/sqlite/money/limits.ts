/**
 * Limits: units are claimed in the commit that starts what they limit, judged there and nowhere else. A claim that is
 * refused takes nothing. What an activity certainly did not cost is given back to the window it was taken from. The counters
 * keep what was asked for beside what was granted, so that a person can see what another limit would have refused.
 */
import type { LimitClaim, NewActivity } from '#core/ports/store.ts';
import type { LimitRow, LimitsQuery } from '#core/ports/store-money.ts';
import { survivingContact } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';

const selectCounter =
  'SELECT used FROM limit_counter WHERE tenant_id = ? AND limit_name = ? AND scope = ? AND window_start_ms = ?';
const takeUnits = `INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used, max_last, unit) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, limit_name, scope, window_start_ms) DO UPDATE SET used = used + excluded.used, max_last = excluded.max_last, unit = excluded.unit`;
const countRefusal = `INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, refused, refused_units, max_last, unit) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)
  ON CONFLICT (tenant_id, limit_name, scope, window_start_ms) DO UPDATE SET refused = refused + 1, refused_units = refused_units + excluded.refused_units,
  max_last = excluded.max_last, unit = excluded.unit`;
const returnUnits =
  'UPDATE limit_counter SET used = used - ?1, returned = returned + ?1 WHERE tenant_id = ?2 AND limit_name = ?3 AND scope = ?4 AND window_start_ms = ?5 AND used >= ?1';
/** A report for people: it reads what retention keeps of the counters. What was given back is not counted as asked for. */
const selectDemand = `SELECT tenant_id, limit_name, window_end_ms - window_start_ms AS window_ms, unit, used + refused_units AS amount, count(*) AS windows,
    sum(used) AS used, sum(refused) AS refusals
  FROM limit_counter WHERE window_end_ms > ?1 AND (?2 IS NULL OR tenant_id = ?2) AND (?3 IS NULL OR limit_name = ?3)
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 5`;
const selectScopes = `SELECT count(DISTINCT scope) AS scopes FROM limit_counter
  WHERE tenant_id = ? AND limit_name = ? AND window_end_ms > ? AND window_end_ms - window_start_ms = ?`;
const selectMax = `SELECT max_last FROM limit_counter
  WHERE tenant_id = ? AND limit_name = ? AND window_end_ms - window_start_ms = ? ORDER BY window_start_ms DESC, max_last IS NULL LIMIT 1`;

/** A claim as it was taken: from which window, so that it can be given back there. */
export type TakenClaim = LimitClaim & { windowStartMs: number };

export interface Refusal {
  activityId: string;
  limit: string;
}

/** What is claimed for a contact counts for the one that it has become since the turn was taken. */
export function presentClaims(context: Context, tenantId: string, claims: LimitClaim[]): LimitClaim[] {
  return claims.map((claim) => ({ ...claim, scope: survivingContact(context, tenantId, claim.scope) }));
}

/** Judges the claims of each activity together and before any is taken; takes all or counts the refusals. */
export function judgeClaims(
  context: Context,
  tenantId: string,
  started: readonly Pick<NewActivity, 'activityId' | 'claims'>[],
  nowMs: number,
): Refusal[] {
  const { db } = context;
  const taken = new Map<string, number>();
  const refusals: Refusal[] = [];
  for (const { activityId, claims } of started) {
    // A refused activity takes nothing, so its other claims must not count against its neighbours.
    const tentative = new Map(taken);
    const refused = claims.filter((claim) => {
      const startMs = windowStart(claim, nowMs);
      const key = JSON.stringify([claim.limit, claim.scope, startMs]);
      const stored = () =>
        db.get<{ used: number }>(selectCounter, tenantId, claim.limit, claim.scope, startMs);
      const used = tentative.get(key) ?? stored()?.used ?? 0;
      if (used + claim.amount > claim.max) return true;
      tentative.set(key, used + claim.amount);
      return false;
    });
    if (refused.length === 0) for (const [key, used] of tentative) taken.set(key, used);
    for (const claim of refused) {
      refusals.push({ activityId, limit: claim.limit });
      countIn(context, countRefusal, tenantId, claim, nowMs);
    }
  }
  if (refusals.length > 0) return refusals;
  for (const claim of started.flatMap((activity) => activity.claims))
    countIn(context, takeUnits, tenantId, claim, nowMs);
  return [];
}

function countIn(context: Context, sql: string, tenantId: string, claim: LimitClaim, nowMs: number): void {
  const startMs = windowStart(claim, nowMs);
  context.db.run(
    sql,
    tenantId,
    claim.limit,
    claim.scope,
    startMs,
    startMs + claim.windowMs,
    claim.amount,
    Number.isSafeInteger(claim.max) ? claim.max : null,
    claim.unit ?? 'starts',
  );
}

function windowStart(claim: LimitClaim, nowMs: number): number {
  return Math.floor(nowMs / claim.windowMs) * claim.windowMs;
}

export function takenAt(claims: readonly LimitClaim[], nowMs: number): TakenClaim[] {
  return claims.map((claim) => ({ ...claim, windowStartMs: windowStart(claim, nowMs) }));
}

/** Gives a part of each claim back to the window that it came from; where that window is gone, nothing is left to give. */
export function giveBack(
  context: Context,
  tenantId: string,
  claims: readonly TakenClaim[],
  amountOf: (claim: TakenClaim) => number,
): void {
  for (const claim of claims) {
    const amount = amountOf(claim);
    if (amount <= 0) continue;
    const scope = survivingContact(context, tenantId, claim.scope);
    context.db.run(returnUnits, amount, tenantId, claim.limit, scope, claim.windowStartMs);
  }
}

interface DemandRow {
  tenant_id: string;
  limit_name: string;
  window_ms: number;
  unit: LimitRow['unit'];
  amount: number;
  windows: number;
  used: number;
  refusals: number;
}

export function readLimits(context: Context, { tenantId, limit, sinceMs }: LimitsQuery): LimitRow[] {
  const { db } = context;
  const rows = new Map<string, LimitRow>();
  for (const each of db.all<DemandRow>(selectDemand, sinceMs, tenantId ?? null, limit ?? null)) {
    const key = JSON.stringify([each.tenant_id, each.limit_name, each.window_ms]);
    const of = [each.tenant_id, each.limit_name] as const;
    const row = rows.get(key) ?? {
      tenantId: each.tenant_id,
      limit: each.limit_name,
      windowMs: each.window_ms,
      unit: each.unit,
      max: db.get<{ max_last: number | null }>(selectMax, ...of, each.window_ms)?.max_last ?? 0,
      scopes: db.get<{ scopes: number }>(selectScopes, ...of, sinceMs, each.window_ms)?.scopes ?? 0,
      ...{ windows: 0, used: 0, refusals: 0, demand: [] },
    };
    row.windows += each.windows;
    row.used += each.used;
    row.refusals += each.refusals;
    row.demand.push({ amount: each.amount, windows: each.windows });
    rows.set(key, row);
  }
  return [...rows.values()];
}

/**
 * The pace rows that one transaction works with: read once, changed in memory, written once. A group of a hundred
 * grants on one number costs one read and one write of that number's row.
 */
import { type Pace, paceOfPerSecond } from '#core/pacing/gcra.ts';
import { fullSpeed, pausedUntilMs, type Speed, slowDown, speedFactor } from '#core/pacing/speed.ts';
import type { Context } from '../database/context.ts';

export type RowScope = 'number' | 'waba' | 'tenant';

const select =
  'SELECT tat_ms, speed, paused_until_ms, pause_reason, status_at_ms, granted FROM pace WHERE tenant_id = ? AND scope = ? AND key = ?';
const upsert = `INSERT INTO pace (tenant_id, scope, key, tat_ms, speed, paused_until_ms, pause_reason, granted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, scope, key) DO UPDATE SET tat_ms = excluded.tat_ms, speed = excluded.speed,
  paused_until_ms = excluded.paused_until_ms, pause_reason = excluded.pause_reason, granted = excluded.granted`;

export interface PaceRow {
  tenantId: string;
  scope: RowScope;
  key: string;
  tatMs: number;
  speed: Speed;
  pausedUntilMs: number;
  pauseReason: string | null;
  /** Latest delivery status of the number. */
  statusAtMs: number | null;
  /** Sends of the number that were let go, ever. */
  granted: number;
  changed: boolean;
}

export class PaceBook {
  readonly #context: Context;
  readonly #rows = new Map<string, PaceRow>();

  constructor(context: Context) {
    this.#context = context;
  }

  row(tenantId: string, scope: RowScope, key: string): PaceRow {
    const id = `${scope}\n${tenantId}\n${key}`;
    let row = this.#rows.get(id);
    if (row === undefined) {
      const stored = this.#context.db.get<{
        tat_ms: number;
        speed: string | null;
        paused_until_ms: number;
        pause_reason: string | null;
        status_at_ms: number | null;
        granted: number;
      }>(select, tenantId, scope, key);
      row = {
        tenantId,
        scope,
        key,
        tatMs: stored?.tat_ms ?? 0,
        speed: stored?.speed == null ? fullSpeed : (JSON.parse(stored.speed) as Speed),
        pausedUntilMs: stored?.paused_until_ms ?? 0,
        pauseReason: stored?.pause_reason ?? null,
        statusAtMs: stored?.status_at_ms ?? null,
        granted: stored?.granted ?? 0,
        changed: false,
      };
      this.#rows.set(id, row);
    }
    return row;
  }

  /** When the scope opens again: now, or the end of its pause. */
  opensAtMs(row: PaceRow, nowMs: number): number {
    return Math.max(nowMs, row.pausedUntilMs, pausedUntilMs(row.speed, nowMs));
  }

  /** Whether the provider's "too fast" still has an effect; after its recovery a scope is as if never slowed. */
  isSlowed(row: PaceRow, nowMs: number): boolean {
    return row.speed.factor < 1 && speedFactor(row.speed, nowMs) < 1;
  }

  /** The pace of a row at its present speed. */
  paceOf(row: PaceRow, perSecond: number, nowMs: number): Pace {
    const factor = row.speed.factor === 1 ? 1 : speedFactor(row.speed, nowMs);
    return paceOfPerSecond(perSecond * Math.max(factor, 1 / 64));
  }

  setTat(row: PaceRow, tatMs: number): void {
    row.tatMs = tatMs;
    row.changed = true;
  }

  /** The place of one more send in the order in which those of its number leave. */
  nextNth(row: PaceRow): number {
    row.granted += 1;
    row.changed = true;
    return row.granted;
  }

  slow(row: PaceRow, nowMs: number, retryAfterMs: number | null): void {
    row.speed = slowDown(row.speed, nowMs, retryAfterMs === null ? {} : { retryAfterMs });
    row.changed = true;
  }

  pause(row: PaceRow, untilMs: number, reason: string): void {
    row.pausedUntilMs = Math.max(row.pausedUntilMs, untilMs);
    row.pauseReason = reason;
    row.changed = true;
  }

  write(): void {
    for (const row of this.#rows.values()) {
      if (!row.changed) continue;
      const speed = row.speed.factor === 1 && row.speed.slowedAtMs === 0 ? null : JSON.stringify(row.speed);
      this.#context.db.run(
        upsert,
        row.tenantId,
        row.scope,
        row.key,
        row.tatMs,
        speed,
        row.pausedUntilMs,
        row.pauseReason,
        row.granted,
      );
    }
  }
}

/**
 * From an answer of Graph to what is stored about the send: settled, tried later at which pace, or uncertain for how
 * long. Throttles slow their scope and recover; what a person must mend pauses it and is probed now and then.
 */
import { limits } from '#core/limits.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import type { Granted, PaceChange, SendSettlement } from '#core/ports/store.ts';

/** The part of a classified answer that matters here; the graph station's `SendOutcome` is one. */
export type Answer =
  | { kind: 'accepted'; wamid: string; address: { waId?: string; userId?: string } }
  | { kind: 'refused'; error: { code: number; title?: string; message?: string; details?: string } }
  | {
      kind: 'retryLater';
      why: string;
      error?: { code: number };
      scope: 'send' | 'pair' | 'number' | 'waba' | 'tenant' | 'app';
      retryAfterMs?: number;
      pause: boolean;
    }
  | { kind: 'uncertain'; why: string; error?: { code: number }; probablyRefused: boolean };

type GrantedSend = Extract<Granted, { outcome: 'granted' }>;

export interface SettlementContext {
  nowMs: number;
  wabaId: string;
  /** Requests in a row of which not a byte left: Graph is out of reach, for all sends alike. */
  unreachable: number;
  random: () => number;
}

export function settlementOf(
  granted: GrantedSend,
  answer: Answer,
  context: SettlementContext,
): SendSettlement {
  const base = { send: granted.send, attempt: granted.attempt };
  switch (answer.kind) {
    case 'accepted':
      return {
        ...base,
        outcome: {
          kind: 'accepted',
          wamid: answer.wamid,
          waId: answer.address.waId ?? null,
          bsuid: answer.address.userId ?? null,
        },
      };
    case 'refused':
      return {
        ...base,
        outcome: {
          kind: 'refused',
          errorCode: answer.error.code,
          reason: answer.error.title ?? answer.error.message ?? 'refused',
        },
      };
    case 'retryLater':
      return {
        ...base,
        outcome: {
          kind: 'retryLater',
          atMs: retryAtMs(granted, answer, context),
          pace: paceChangeOf(answer, context),
          countsAsAttempt: answer.why !== 'notSent',
          errorCode: answer.error?.code ?? null,
        },
      };
    case 'uncertain':
      return {
        ...base,
        outcome: {
          kind: 'uncertain',
          why: answer.why,
          windowMs: answer.probablyRefused ? limits.uncertainWindowAfterErrorMs : limits.uncertainWindowMs,
          errorCode: answer.error?.code ?? null,
        },
      };
  }
}

type RetryLater = Extract<Answer, { kind: 'retryLater' }>;

/**
 * A throttled scope says by its pace when; what concerns this send alone backs off by itself. While nothing can be reached
 * the pauses grow, but only so far that everything leaves soon after the way is open again.
 */
function retryAtMs(granted: GrantedSend, answer: RetryLater, context: SettlementContext): number {
  const { nowMs, random, unreachable } = context;
  if (answer.scope !== 'send') return nowMs + (answer.retryAfterMs ?? 0);
  const isUnreachable = answer.why === 'notSent';
  const failures = isUnreachable ? Math.max(1, unreachable) : granted.attempt;
  const maxMs = isUnreachable ? limits.sweepEveryMs : limits.sendBackoffMaxMs;
  const waitMs = backoffMs({ failures, baseMs: limits.sendBackoffBaseMs, maxMs }, random);
  return nowMs + Math.max(answer.retryAfterMs ?? 0, waitMs);
}

function paceChangeOf(answer: RetryLater, { nowMs, wabaId }: SettlementContext): PaceChange | null {
  if (answer.scope === 'send') return null;
  if (answer.scope === 'pair') return { scope: 'pair', change: 'backOff' };
  const scope = answer.scope === 'app' ? 'tenant' : answer.scope;
  if (!answer.pause) return { scope, wabaId, change: 'slow', retryAfterMs: answer.retryAfterMs ?? null };
  const pauseMs =
    answer.retryAfterMs ?? (answer.error?.code === 131048 ? limits.spamPauseMs : limits.pauseProbeMs);
  return {
    scope,
    wabaId,
    change: 'pause',
    untilMs: nowMs + pauseMs,
    reason: answer.error === undefined ? answer.why : String(answer.error.code),
  };
}

/** What the outbox tells an observer: why a send waits, each attempt and its end, and what becomes of uncertain ones. */
import type { MomentDetails, Observer } from '#core/ports/observer.ts';
import type { Granted, UncertainResolved } from '#core/ports/store.ts';
import type { Answer } from './settlement.ts';

export function tellGranted(observer: Observer, granted: readonly Granted[]): void {
  for (const each of granted) {
    const send = { ...each.send.ref, sendId: each.send.sendId };
    switch (each.outcome) {
      case 'granted':
        observer.observe({ kind: 'sendMarked', ...send, attempt: each.attempt });
        break;
      case 'wait': {
        const { scope, atMs: untilMs, paused } = each;
        observer.observe({ kind: 'sendWaiting', ...send, scope, untilMs, paused });
        break;
      }
      case 'blocked':
        observer.observe({ kind: 'sendBlocked', ...send });
        break;
      case 'withdrawn':
        observer.observe({ kind: 'sendWithdrawn', ...send });
        break;
      case 'gone':
        break;
    }
  }
}

export type AttemptOutcome = MomentDetails['attemptEnded']['outcome'];

export function tellAttempt(
  observer: Observer,
  { send, attempt }: Extract<Granted, { outcome: 'granted' }>,
  answer: Answer,
  end: { outcome: AttemptOutcome; tookMs: number },
): void {
  const wamid = answer.kind === 'accepted' ? answer.wamid : null;
  const code = answer.kind === 'accepted' ? null : (answer.error?.code ?? null);
  const why = answer.kind === 'retryLater' || answer.kind === 'uncertain' ? answer.why : null;
  const { sendId } = send;
  observer.observe({ kind: 'attemptEnded', ...send.ref, sendId, attempt, ...end, wamid, code, why });
}

export function tellResolved(
  observer: Observer,
  { resent, heldSends, droppedSends }: UncertainResolved,
): void {
  const tell = (sendId: string, how: 'resent' | 'held' | 'dropped', tenantId: string | null = null) =>
    observer.observe({ kind: 'uncertainResolved', tenantId, sendId, how });
  for (const { sendId, ref } of resent) tell(sendId, 'resent', ref.tenantId);
  for (const sendId of heldSends) tell(sendId, 'held');
  for (const sendId of droppedSends) tell(sendId, 'dropped');
}

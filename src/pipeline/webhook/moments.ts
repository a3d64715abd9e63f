/** What the webhook tells an observer about each message and status of a body. */
import type { Observer } from '#core/ports/observer.ts';
import type { Appended, StatusesRecorded } from '#core/ports/store.ts';
import type { Sorted } from './slices.ts';

export function tellReceived(observer: Observer, { batch }: Sorted): void {
  for (const { message } of batch.messages) {
    const { wamid, phoneNumberId, kind: event } = message;
    observer.observe({ kind: 'messageReceived', wamid, phoneNumberId, event });
  }
}

export function tellStored(observer: Observer, { batch }: Sorted, appended: Appended): void {
  const duplicates = new Set(appended.duplicateWamids);
  for (const { message } of batch.messages) {
    const { wamid, phoneNumberId } = message;
    const kind = duplicates.has(wamid) ? 'duplicateDropped' : 'messageStored';
    observer.observe({ kind, wamid, phoneNumberId });
  }
  for (const { item, reason, phoneNumberId } of batch.quarantine) {
    if (item?.type !== 'message') continue;
    const { wamid } = item;
    observer.observe({ kind: 'messageQuarantined', wamid, phoneNumberId: phoneNumberId ?? '', reason });
  }
}

export function tellStatuses(observer: Observer, { statuses }: Sorted, recorded: StatusesRecorded): void {
  for (const { status: each } of statuses.statuses) {
    const { wamid, phoneNumberId, status } = each;
    // What another app sent along is its own matter.
    const sendId = each.opaque?.startsWith('snd_') ? each.opaque : null;
    const code = each.errors?.[0]?.code ?? null;
    observer.observe({ kind: 'statusStored', wamid, phoneNumberId, status, sendId, code });
  }
  for (const sendId of recorded.provenSends)
    observer.observe({ kind: 'uncertainResolved', tenantId: null, sendId, how: 'proven' });
}

/**
 * What a body brings is stored in slices that need not share a commit, so that a body of a thousand updates does not hold
 * up the process. The 200 comes after the last slice. Where one fails, what the others stored is recognized by its dedupe
 * keys when Meta sends the body again.
 */
import type { AppendBatch, StatusBatch } from '#core/ports/store.ts';

export interface Sorted {
  batch: AppendBatch;
  statuses: StatusBatch;
}

/** In the body's order; each holds at most `itemsMax` of every sort. At least one. */
export function slicesOf(sorted: Sorted, itemsMax: number): Sorted[] {
  const { batch, statuses } = sorted;
  const { messages, notices, quarantine, receivedAtMs } = batch;
  const longest = Math.max(messages.length, notices.length, quarantine.length, statuses.statuses.length);
  if (longest <= itemsMax) return [sorted];
  const slices: Sorted[] = [];
  for (let from = 0; from < longest; from += itemsMax) {
    const part = <T>(list: readonly T[]): T[] => list.slice(from, from + itemsMax);
    slices.push({
      batch: {
        receivedAtMs,
        messages: part(messages),
        notices: part(notices),
        quarantine: part(quarantine),
      },
      statuses: { receivedAtMs: statuses.receivedAtMs, statuses: part(statuses.statuses) },
    });
  }
  return slices;
}

/** Read receipts by the Graph client. */
import { limits } from '#core/limits.ts';
import { readReceipt } from '#core/model/send-builders/index.ts';
import type { GraphClient } from '#pipeline/graph/client.ts';
import type { Receipt } from '#pipeline/outbox/receipts.ts';

/** Whether Graph took it. */
export async function markRead(
  graph: GraphClient,
  token: string | undefined,
  receipt: Receipt,
): Promise<boolean> {
  if (token === undefined) return false;
  const outcome = await graph.markRead({
    phoneNumberId: receipt.phoneNumberId,
    token,
    receipt: readReceipt(receipt.wamid, { typing: receipt.typing }),
    timeoutMs: limits.receiptTimeoutMs,
  });
  return outcome.kind === 'ok';
}

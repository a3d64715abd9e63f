import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const mergeForgetsAwaiting: Variant = {
  name: 'mergeForgetsAwaiting',
  breaks: ['liveness'],
  what: 'A merge does not ask anew what awaited an answer of the lost conversation.',
  statement: replacing(
    "fence = NULL WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting'",
    "fence = NULL WHERE 0 AND tenant_id = ? AND conversation_id = ? AND end = 'awaiting'",
  ),
};

import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const handBackReopensAll: Variant = {
  name: 'handBackReopensAll',
  breaks: ['I3'],
  what: 'A hand-back leaves everything that the operator saw to the bot, also what they answered.',
  statement: replacing(
    `SET end = NULL, fence = NULL\n  WHERE tenant_id = ? AND conversation_id = ? AND end = 'seenByOperator' AND position > ?`,
    `SET end = NULL, fence = NULL\n  WHERE tenant_id = ? AND conversation_id = ? AND end = 'seenByOperator' AND position > ? - 1000`,
  ),
};

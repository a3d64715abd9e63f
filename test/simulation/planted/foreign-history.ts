import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const foreignHistory: Variant = {
  name: 'foreignHistory',
  breaks: ['I10'],
  what: 'The model is shown what all customers of all tenants wrote.',
  statement: replacing(
    "WHERE tenant_id = ? AND conversation_id = ? AND (class = 'answer' OR kind = 'echo') AND end",
    "WHERE (tenant_id = ? OR 1) AND (conversation_id = ? OR 1) AND (class = 'answer' OR kind = 'echo') AND end",
  ),
};

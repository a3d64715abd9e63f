import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const uncertainAskedAgain: Variant = {
  name: 'uncertainAskedAgain',
  breaks: ['I7'],
  what: 'What may have been charged for is asked for again under its key, whatever its rule says.',
  statement: replacing(
    'SELECT * FROM ledger_entry\n  WHERE tenant_id = ? AND activity_id = ?',
    "SELECT *, 'retryWithKey' AS on_uncertain FROM ledger_entry\n  WHERE tenant_id = ? AND activity_id = ?",
  ),
};

import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const limitSummed: Variant = {
  name: 'limitSummed',
  breaks: ['limits'],
  what: 'A limit is summed over all that share it, so that one customer uses up the replies of another.',
  statement: replacing(
    'SELECT used FROM limit_counter WHERE tenant_id = ? AND limit_name = ? AND scope = ? AND',
    "SELECT sum(used) AS used FROM limit_counter WHERE tenant_id = ? AND limit_name = ? AND ? <> '' AND",
  ),
};

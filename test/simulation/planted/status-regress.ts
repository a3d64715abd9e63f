import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const statusRegress: Variant = {
  name: 'statusRegress',
  breaks: ['statuses'],
  what: 'A status counts whatever was told before it.',
  statement: replacing(
    'phone_number_id, state, delivery, wamid',
    "phone_number_id, state, 'none' AS delivery, wamid",
  ),
};

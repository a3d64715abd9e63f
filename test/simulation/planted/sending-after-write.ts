import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

const notMarked = replacing("SET state = 'sending', attempts", "SET state = 'queued', attempts");
const takenForMarked = replacing(
  'SELECT conversation_id, phone_number_id, state, attempts',
  "SELECT conversation_id, phone_number_id, CASE state WHEN 'queued' THEN 'sending' ELSE state END AS state, attempts",
);

export const sendingAfterWrite: Variant = {
  name: 'sendingAfterWrite',
  breaks: ['I5'],
  what: 'A send is not marked as sending before it is written; its row still waits when its answer comes.',
  statement: (sql) => takenForMarked(notMarked(sql)),
};

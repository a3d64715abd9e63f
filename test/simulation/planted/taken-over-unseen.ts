import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const takenOverUnseen: Variant = {
  name: 'takenOverUnseen',
  breaks: ['liveness'],
  what: 'A take-over leaves the messages in the mailbox to nobody.',
  statement: replacing(
    "AND end IS NULL AND (class <> 'internal' OR kind",
    "AND end IS NULL AND 0 AND (class <> 'internal' OR kind",
  ),
};

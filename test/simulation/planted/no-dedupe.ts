import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const noDedupe: Variant = {
  name: 'noDedupe',
  breaks: ['I2'],
  what: 'A message is stored without its dedupe key.',
  statement: replacing(
    `content, raw, end, fence)\n  VALUES (?, ?, ?, ?,`,
    `content, raw, end, fence)\n  VALUES (?, ?, ?, ? + NULL,`,
  ),
};

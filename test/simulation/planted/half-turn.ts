import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const halfTurn: Variant = {
  name: 'halfTurn',
  breaks: ['I4'],
  what: 'A turn stores everything but the new state of its dialog.',
  statement: replacing(
    'SET dialog_state = ?, state_label',
    'SET dialog_state = coalesce(dialog_state, ?), state_label',
  ),
};

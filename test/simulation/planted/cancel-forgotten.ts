import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const cancelForgotten: Variant = {
  name: 'cancelForgotten',
  breaks: ['I8'],
  what: 'An activity that its dialog cancels goes on.',
  statement: replacing("activity_id = ? AND state = 'running'", "activity_id = ? AND state = 'cancelled'"),
};

import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const uncertainRetried: Variant = {
  name: 'uncertainRetried',
  breaks: ['I11'],
  what: 'A send of which nobody knows whether it was accepted goes back into its lane at once.',
  statement: replacing(
    "SET state = 'uncertain', uncertain_since_ms = ?, uncertain_window_ms",
    "SET state = 'queued', uncertain_since_ms = ?, uncertain_window_ms",
  ),
};

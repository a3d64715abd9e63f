import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const madeAnswerSaidLater: Variant = {
  name: 'madeAnswerSaidLater',
  breaks: ['I9'],
  what: 'An answer that was made when an operator took over is said after they hand back.',
  statement: replacing(
    "(class <> 'internal' OR kind IN ('activityDone','activityFailed'))",
    "class <> 'internal'",
  ),
};

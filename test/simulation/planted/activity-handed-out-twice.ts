import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const activityHandedOutTwice: Variant = {
  name: 'activityHandedOutTwice',
  breaks: ['I8'],
  what: 'The sweep hands out activities that somebody runs already.',
  statement: replacing("WHERE a.state = 'running' AND a.owner_id IS NULL", "WHERE a.state = 'running'"),
};

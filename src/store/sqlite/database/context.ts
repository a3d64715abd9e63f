/**
 * What every statement group of the driver works with: the database, and ids made from the passed-in world.
 */
import { type IdPrefix, makeId } from '#core/model/ids.ts';
import type { Database } from './database.ts';

export interface Context {
  db: Database;
  random: () => number;
}

export function newId(context: Context, prefix: IdPrefix, nowMs: number): string {
  return makeId(prefix, nowMs, context.random);
}

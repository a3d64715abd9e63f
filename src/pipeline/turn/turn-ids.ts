/**
 * Chance and ids of one turn, drawn from the turn's own name: the same turn run again makes the same ids, so a
 * repeated commit cannot make a second send of the same words.
 */
import { type IdPrefix, makeId } from '#core/model/ids.ts';
import type { Lease } from '#core/ports/store.ts';

export interface TurnIds {
  seed: number;
  newId(prefix: IdPrefix): string;
}

export function turnIds(lease: Lease, nowMs: number): TurnIds {
  const seed = hash(`${lease.ref.tenantId}\n${lease.ref.conversationId}\n${lease.fence}\n${lease.ownerId}`);
  const random = mulberry32(seed);
  return { seed, newId: (prefix) => makeId(prefix, nowMs, random) };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** A small generator of good quality for ids; 32 bits of state. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

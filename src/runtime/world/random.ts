/**
 * Chance as the machine has it.
 */
import { randomFillSync } from 'node:crypto';

const drawsPerFill = 512;

/** Unpredictable, because ids are made from it; filled in blocks, because one call to the system for each draw is slow. */
export function createRandom(): () => number {
  const words = new Uint32Array(2 * drawsPerFill);
  let next = words.length;
  return () => {
    if (next === words.length) {
      randomFillSync(words);
      next = 0;
    }
    const high = words[next]! >>> 5;
    const low = words[next + 1]! >>> 6;
    next += 2;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}

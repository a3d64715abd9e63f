/**
 * Drawing from the randomness that was passed in. Nothing is drawn where the result is certain (rate 0 or 1, an empty
 * range), so that setting one fault does not shift the draws of all others in a seeded run.
 */
export type Random = () => number;

export interface RangeMs {
  minMs: number;
  maxMs: number;
}

export function drawMs(random: Random, range: RangeMs): number {
  if (range.maxMs <= range.minMs) return range.minMs;
  return Math.round(range.minMs + random() * (range.maxMs - range.minMs));
}

export function drawChance(random: Random, rate: number): boolean {
  if (rate <= 0) return false;
  return rate >= 1 || random() < rate;
}

export function drawChars(random: Random, alphabet: string, length: number): string {
  let drawn = '';
  for (let index = 0; index < length; index += 1) {
    drawn += alphabet[Math.floor(random() * alphabet.length)] ?? alphabet[0];
  }
  return drawn;
}

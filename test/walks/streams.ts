/** Chance from one seed in streams that have names, so that what one part draws leaves the others as they were. */
import { seededRandom } from '#testing/fake-world.ts';

export function streamOf(seed: number): (name: string) => number {
  const streams = new Map<string, () => number>();
  return (name) => {
    let stream = streams.get(name);
    if (stream === undefined) {
      let mixed = seed;
      for (const letter of name) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
      stream = seededRandom(mixed);
      streams.set(name, stream);
    }
    return stream();
  };
}

/**
 * What the words of a picture are about, as far as a few lines can show it: a lighthouse, a house, trees, a cat, a heart.
 * Each is a shape over the point where it stands: `x` to the right, `y` upwards, in its own height. To add a subject, add
 * its words and its parts to `subjects`; a later part lies over an earlier one.
 */
import type { Picture } from './png.ts';

/** Which colour of a subject a part has. */
export type Paint = 'light' | 'dark' | 'accent' | 'leaf';

interface Part {
  paint: Paint;
  holds(x: number, y: number): boolean;
}

export interface Subject {
  words: RegExp;
  /** In the sky, or on the ground. */
  at: 'sky' | 'ground';
  /** Of the shorter side of the picture. */
  height: number;
  count: number;
  parts: readonly Part[];
}

type Holds = Part['holds'];
const box =
  (left: number, bottom: number, right: number, top: number): Holds =>
  (x, y) =>
    x >= left && x <= right && y >= bottom && y <= top;
const disc =
  (atX: number, atY: number, radius: number): Holds =>
  (x, y) =>
    (x - atX) ** 2 + (y - atY) ** 2 <= radius ** 2;
/** A triangle that stands on its longest side. */
const peak =
  (atX: number, bottom: number, top: number, half: number): Holds =>
  (x, y) =>
    y >= bottom && y <= top && Math.abs(x - atX) <= (half * (top - y)) / (top - bottom);
/** Narrower towards its top. */
const tower =
  (bottom: number, top: number, wide: number, narrow: number): Holds =>
  (x, y) =>
    y >= bottom && y <= top && Math.abs(x) <= wide + ((narrow - wide) * (y - bottom)) / (top - bottom);
const part = (paint: Paint, holds: Holds): Part => ({ paint, holds });

export const subjects: readonly Subject[] = [
  {
    words: /\b(lighthouse|faro)\b/i,
    ...{ at: 'ground', height: 0.42, count: 1 },
    parts: [
      part('light', tower(-0.1, 0.78, 0.15, 0.09)),
      part('accent', (x, y) => tower(-0.1, 0.78, 0.15, 0.09)(x, y) && Math.floor(y / 0.13) % 2 === 0),
      part('dark', box(-0.13, 0.76, 0.13, 0.8)),
      part('light', box(-0.07, 0.8, 0.07, 0.92)),
      part('accent', peak(0, 0.92, 1, 0.11)),
    ],
  },
  {
    words: /\b(house|home|cottage|casa)\b/i,
    ...{ at: 'ground', height: 0.26, count: 1 },
    parts: [
      part('dark', box(0.24, 0.6, 0.36, 0.98)),
      part('light', box(-0.45, -0.15, 0.45, 0.58)),
      part('accent', peak(0, 0.55, 1, 0.6)),
      part('dark', box(-0.1, -0.15, 0.1, 0.3)),
      part('dark', (x, y) => box(-0.36, 0.22, -0.2, 0.42)(x, y) || box(0.2, 0.22, 0.36, 0.42)(x, y)),
    ],
  },
  {
    words: /\b(trees?|forest|woods?|garden|park|[áa]rbol(es)?|bosque|jard[íi]n|parque)\b/i,
    ...{ at: 'ground', height: 0.22, count: 5 },
    parts: [
      part('dark', box(-0.05, -0.15, 0.05, 0.35)),
      part('leaf', (x, y) => peak(0, 0.2, 0.7, 0.32)(x, y) || peak(0, 0.45, 1, 0.25)(x, y)),
    ],
  },
  {
    words: /\b(cats?|kitten|gat[oa]s?|gatit[oa])\b/i,
    ...{ at: 'ground', height: 0.24, count: 1 },
    parts: [
      part('dark', (x, y) => Math.abs(Math.hypot(x - 0.34, y - 0.2) - 0.2) < 0.045 && x > 0.2),
      part('dark', (x, y) => (x / 0.3) ** 2 + ((y - 0.2) / 0.38) ** 2 <= 1),
      part('dark', disc(0, 0.66, 0.22)),
      part('dark', (x, y) => peak(-0.14, 0.74, 1, 0.1)(x, y) || peak(0.14, 0.74, 1, 0.1)(x, y)),
      part('light', (x, y) => disc(-0.08, 0.68, 0.035)(x, y) || disc(0.08, 0.68, 0.035)(x, y)),
    ],
  },
  {
    words: /\b(hearts?|love|coraz[óo]n(es)?|amor)\b/i,
    ...{ at: 'sky', height: 0.2, count: 3 },
    parts: [
      part('accent', (x, y) => {
        const [u, v] = [x * 2.4, (y - 0.5) * 2.4];
        return (u ** 2 + v ** 2 - 1) ** 3 <= u ** 2 * v ** 3;
      }),
    ],
  },
];

export interface Standing {
  x: number;
  /** Of the ground under it; rows are counted downwards. */
  y: number;
  height: number;
}

export function drawSubject(
  { width, height: rows, pixels }: Picture,
  { parts }: Subject,
  { x: atX, y: atY, height }: Standing,
  colourOf: Readonly<Record<Paint, number>>,
): void {
  const [left, right] = [Math.max(0, Math.floor(atX - height)), Math.min(width - 1, Math.ceil(atX + height))];
  const [top, bottom] = [Math.max(0, Math.floor(atY - height)), Math.min(rows - 1, atY + height * 0.15)];
  for (let y = top; y <= bottom; y += 1)
    for (let x = left; x <= right; x += 1) {
      const found = parts.findLast(({ holds }) => holds((x - atX) / height, (atY - y) / height));
      if (found !== undefined) pixels[y * width + x] = colourOf[found.paint];
    }
}

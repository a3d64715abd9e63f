/**
 * A picture drawn from words, the same for the same words: a sky, a sun or a moon, hills, flowers, and what the words are
 * about where `subjects.ts` knows it. Colours, the time of day and the style that the words name are taken; the rest
 * follows from their hash. It costs no chance of the simulator.
 */
import { createHash } from 'node:crypto';
import type { Colour, Picture } from './png.ts';
import { drawSubject, type Paint, type Subject, subjects } from './subjects.ts';

const SKY_SHADES = 64;
const HILLS = 3;
const FLOWERS = 4;
const SUN = SKY_SHADES;
const STAR = SUN + 1;
const HILL = STAR + 1;
const FLOWER = HILL + HILLS;
const INK = FLOWER + FLOWERS;
/** Of each hill: its shadow on what lies behind, and its strokes. */
const EDGE = INK + 1;
const STROKE = EDGE + HILLS;
const SUBJECT = STROKE + HILLS;
const subjectColours: Readonly<Record<Paint, number>> = {
  light: SUBJECT,
  dark: SUBJECT + 1,
  accent: SUBJECT + 2,
  leaf: SUBJECT + 3,
};

const NAMED_COLOURS: Readonly<Record<string, Colour>> = {
  red: [214, 52, 58],
  rojo: [214, 52, 58],
  orange: [240, 140, 40],
  yellow: [246, 206, 70],
  amarillo: [246, 206, 70],
  green: [70, 160, 90],
  verde: [70, 160, 90],
  blue: [60, 110, 220],
  azul: [60, 110, 220],
  purple: [140, 80, 190],
  pink: [240, 130, 170],
  rosa: [240, 130, 170],
  white: [245, 245, 240],
  blanco: [245, 245, 240],
  black: [40, 40, 46],
  negro: [40, 40, 46],
};
const NIGHT = /\b(night|moon|stars?|dark|noche|luna|estrellas?)\b/i;

type Style = 'plain' | 'watercolour' | 'comic' | 'oil' | 'papercut';
const STYLES: readonly (readonly [Style, RegExp])[] = [
  ['watercolour', /\b(watercolou?r|acuarela)\b/i],
  ['comic', /\b(comic|cartoon|c[óo]mic)\b/i],
  ['oil', /\b(oil|[óo]leo)\b/i],
  ['papercut', /\bpaper|\bpapel\b/i],
];
/** How thick the edge of a hill is, of the height of the picture. */
const EDGES: Readonly<Record<Style, number>> = {
  plain: 0,
  watercolour: 0,
  comic: 0.006,
  oil: 0,
  papercut: 0.018,
};
const styleIn = (words: string): Style => STYLES.find(([, named]) => named.test(words))?.[0] ?? 'plain';

type Draw = () => number;

/** xorshift32 over the hash of the words. */
function drawFrom(words: string): Draw {
  let state = createHash('sha256').update(words).digest().readUInt32BE(0) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

const mix = (from: Colour, to: Colour, part: number): Colour => [
  Math.round(from[0] + (to[0] - from[0]) * part),
  Math.round(from[1] + (to[1] - from[1]) * part),
  Math.round(from[2] + (to[2] - from[2]) * part),
];

const drawColour = (draw: Draw, least: number, most: number): Colour => {
  const one = (): number => Math.round(least + (most - least) * draw());
  return [one(), one(), one()];
};

function paletteFor(words: string, draw: Draw): Colour[] {
  const named = (words.toLowerCase().match(/\p{L}+/gu) ?? [])
    .filter((word) => Object.hasOwn(NAMED_COLOURS, word))
    .map((word) => NAMED_COLOURS[word]!);
  const isNight = NIGHT.test(words);
  const dusk = drawColour(draw, 0, 70);
  const high: Colour = isNight
    ? mix(dusk, [10, 14, 44], 0.6)
    : mix(drawColour(draw, 60, 200), [70, 140, 230], 0.6);
  const low: Colour = isNight
    ? mix(drawColour(draw, 20, 150), [62, 48, 104], 0.5)
    : mix(drawColour(draw, 180, 255), [255, 236, 214], 0.5);
  const sky = Array.from({ length: SKY_SHADES }, (_, at) => mix(high, low, at / (SKY_SHADES - 1)));
  const sun: Colour = isNight ? [238, 236, 214] : [255, 214, 92];
  const ground = mix(drawColour(draw, 40, 150), [60, 130, 70], 0.5);
  const night: Colour = [14, 18, 34];
  const hills = Array.from({ length: HILLS }, (_, at) => {
    const hill = mix(mix(ground, low, 0.5), ground, at / (HILLS - 1));
    return isNight ? mix(hill, night, 0.65) : hill;
  });
  const flowers = Array.from({ length: FLOWERS }, (_, at) =>
    named.length > 0 ? named[at % named.length]! : drawColour(draw, 120, 255),
  );
  const ink: Colour = [24, 22, 30];
  const dark = hills.map((hill) => mix(hill, night, 0.4));
  const strokes = hills.map((hill) => mix(hill, low, 0.3));
  const accent = named[0] ?? [200, 62, 58];
  const subject: Colour[] = [[246, 240, 226], [52, 44, 50], accent, [52, 112, 72]];
  const all = [
    ...sky,
    sun,
    [255, 255, 255] as const,
    ...hills,
    ...flowers,
    ink,
    ...dark,
    ...strokes,
    ...subject,
  ];
  return all.map((colour, at) => inStyle(styleIn(words), colour, at >= FLOWER && at < INK));
}

/** Colours that the words name stay as they are. */
function inStyle(style: Style, colour: Colour, isNamed: boolean): Colour {
  if (isNamed) return colour;
  const grey = (colour[0] + colour[1] + colour[2]) / 3;
  if (style === 'watercolour') return mix(colour, [252, 248, 240], 0.1 + (0.35 * grey) / 255);
  if (style !== 'comic') return colour;
  const vivid = (value: number): number =>
    Math.min(255, Math.max(0, Math.round(grey + (value - grey) * 1.5)));
  return [vivid(colour[0]), vivid(colour[1]), vivid(colour[2])];
}

function drawDisc(picture: Picture, centre: { x: number; y: number }, radius: number, colour: number): void {
  const { width, height, pixels } = picture;
  const [top, bottom] = [Math.max(0, Math.ceil(centre.y - radius)), Math.min(height - 1, centre.y + radius)];
  for (let y = top; y <= bottom; y += 1) {
    const half = Math.sqrt(Math.max(0, radius * radius - (y - centre.y) ** 2));
    const from = Math.max(0, Math.ceil(centre.x - half));
    const to = Math.min(width - 1, Math.floor(centre.x + half));
    if (to >= from) pixels.fill(colour, y * width + from, y * width + to + 1);
  }
}

/** Rows of the top of a hill, one for each column. */
function drawHill(picture: Picture, at: number, draw: Draw, style: Style): number[] {
  const { width, height, pixels } = picture;
  const base = height * (0.55 + 0.14 * at);
  const waves = Array.from({ length: 3 }, (_, wave) => ({
    high: (height * (0.02 + 0.05 * draw())) / (wave + 1),
    often: ((wave + 1) * (1 + 2 * draw()) * 2 * Math.PI) / width,
    from: draw() * 2 * Math.PI,
  }));
  const topAt = (x: number): number => {
    const lift = waves.reduce((sum, { high, often, from }) => sum + high * Math.sin(x * often + from), 0);
    return Math.max(0, Math.round(base - lift));
  };
  const tops = Array.from({ length: width }, (_, x) => topAt(x));
  const edge = Math.round(height * EDGES[style]);
  const edgeColour = style === 'comic' ? INK : EDGE + at;
  for (const [x, top] of tops.entries()) {
    for (let y = Math.max(0, top - edge); y < top; y += 1) pixels[y * width + x] = edgeColour;
    for (let y = top; y < height; y += 1)
      pixels[y * width + x] = style === 'oil' && isStroke(x, y, height) ? STROKE + at : HILL + at;
  }
  return tops;
}

/** Short slanted strokes of a brush. */
function isStroke(x: number, y: number, height: number): boolean {
  const size = height / 90;
  const row = Math.floor((y + x * 0.3) / size);
  const column = Math.floor((x + row * size * 2.7) / (size * 6));
  return ((row * 7_919) ^ (column * 104_729)) % 3 === 0;
}

function drawSky({ width, height, pixels }: Picture, style: Style): void {
  for (let y = 0; y < height; y += 1) {
    const shade = (from: number): number =>
      Math.max(0, Math.min(SKY_SHADES - 1, Math.floor((from / (height * 0.7)) * SKY_SHADES)));
    if (style === 'oil')
      for (let x = 0; x < width; x += 1)
        pixels[y * width + x] = shade(isStroke(x, y, height) ? y + height * 0.05 : y);
    else
      pixels.fill(
        shade(style === 'comic' || style === 'papercut' ? y - (y % (height / 8)) : y),
        y * width,
        (y + 1) * width,
      );
  }
}

/** What the words are about, on the hill in the middle or in the sky. */
function drawSubjects(picture: Picture, words: string, ground: readonly number[], draw: Draw): void {
  const { width, height } = picture;
  const unit = Math.min(width, height);
  const stand = (subject: Subject): void => {
    for (let each = 0; each < subject.count; each += 1) {
      const x = Math.round(width * (0.15 + 0.7 * ((each + draw()) / subject.count)));
      const y = subject.at === 'sky' ? Math.round(height * (0.3 + 0.2 * draw())) : (ground[x] ?? 0);
      const size = unit * subject.height * (0.8 + 0.4 * draw());
      drawSubject(picture, subject, { x, y, height: size }, subjectColours);
    }
  };
  for (const subject of subjects) if (subject.words.test(words)) stand(subject);
}

export function drawPicture(words: string, width: number, height: number): Picture {
  const draw = drawFrom(words);
  const style = styleIn(words);
  const palette = paletteFor(words, draw);
  const picture = { width, height, pixels: new Uint8Array(width * height), palette };
  drawSky(picture, style);
  const unit = Math.min(width, height);
  if (NIGHT.test(words))
    for (let star = 0; star < 60; star += 1)
      drawDisc(picture, { x: draw() * width, y: draw() * height * 0.5 }, unit * 0.002, STAR);
  const sun = { x: width * (0.15 + 0.7 * draw()), y: height * (0.14 + 0.2 * draw()) };
  if (style === 'comic') drawDisc(picture, sun, unit * 0.096, INK);
  drawDisc(picture, sun, unit * 0.09, SUN);
  for (let at = 0; at < HILLS; at += 1) {
    const tops = drawHill(picture, at, draw, style);
    // Before the last hill, which hides their feet.
    if (at === HILLS - 2) drawSubjects(picture, words, tops, draw);
  }
  for (let flower = 0; flower < 40; flower += 1) {
    const centre = { x: draw() * width, y: Math.floor(height * (0.86 + 0.13 * draw())) };
    const radius = unit * (0.006 + 0.012 * draw());
    if (style === 'comic') drawDisc(picture, centre, radius + unit * 0.004, INK);
    drawDisc(picture, centre, radius, FLOWER + (flower % FLOWERS));
  }
  return picture;
}

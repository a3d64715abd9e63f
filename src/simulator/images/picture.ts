/**
 * A picture drawn from words, the same for the same words: a sky, a sun or a moon, hills, flowers. Colours and the time
 * of day that the words name are taken; the rest follows from their hash. It costs no chance of the simulator.
 */
import { createHash } from 'node:crypto';
import type { Colour, Picture } from './png.ts';

const SKY_SHADES = 64;
const HILLS = 3;
const FLOWERS = 4;
const SUN = SKY_SHADES;
const STAR = SUN + 1;
const HILL = STAR + 1;
const FLOWER = HILL + HILLS;

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
  const high: Colour = isNight ? [10, 14, 44] : mix(drawColour(draw, 60, 200), [70, 140, 230], 0.6);
  const low: Colour = isNight ? [52, 44, 92] : mix(drawColour(draw, 180, 255), [255, 236, 214], 0.5);
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
  return [...sky, sun, [255, 255, 255], ...hills, ...flowers];
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

function drawHill({ width, height, pixels }: Picture, at: number, draw: Draw): void {
  const base = height * (0.55 + 0.14 * at);
  const waves = Array.from({ length: 3 }, (_, wave) => ({
    high: (height * (0.02 + 0.05 * draw())) / (wave + 1),
    often: ((wave + 1) * (1 + 2 * draw()) * 2 * Math.PI) / width,
    from: draw() * 2 * Math.PI,
  }));
  for (let x = 0; x < width; x += 1) {
    const lift = waves.reduce((sum, { high, often, from }) => sum + high * Math.sin(x * often + from), 0);
    for (let y = Math.max(0, Math.round(base - lift)); y < height; y += 1) pixels[y * width + x] = HILL + at;
  }
}

export function drawPicture(words: string, width: number, height: number): Picture {
  const draw = drawFrom(words);
  const palette = paletteFor(words, draw);
  const picture = { width, height, pixels: new Uint8Array(width * height), palette };
  for (let y = 0; y < height; y += 1) {
    const shade = Math.min(SKY_SHADES - 1, Math.floor((y / (height * 0.7)) * SKY_SHADES));
    picture.pixels.fill(shade, y * width, (y + 1) * width);
  }
  const unit = Math.min(width, height);
  if (NIGHT.test(words))
    for (let star = 0; star < 60; star += 1)
      drawDisc(picture, { x: draw() * width, y: draw() * height * 0.5 }, unit * 0.002, STAR);
  drawDisc(
    picture,
    { x: width * (0.15 + 0.7 * draw()), y: height * (0.14 + 0.2 * draw()) },
    unit * 0.09,
    SUN,
  );
  for (let at = 0; at < HILLS; at += 1) drawHill(picture, at, draw);
  for (let flower = 0; flower < 40; flower += 1) {
    const centre = { x: draw() * width, y: Math.floor(height * (0.86 + 0.13 * draw())) };
    drawDisc(picture, centre, unit * (0.006 + 0.012 * draw()), FLOWER + (flower % FLOWERS));
  }
  return picture;
}

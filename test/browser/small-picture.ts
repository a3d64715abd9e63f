/** A screenshot as a file of at most 256 colours: a third of the bytes, and the eye sees no difference on a page. */
import type { Browser } from 'playwright-core';
import { type Colour, encodePng } from '#simulator/images/png.ts';

const coloursMax = 256;

/** Its colours, four bytes a pixel. The browser that drew the file also reads it, where no page's policy forbids that. */
async function pixelsOf(browser: Browser, png: Buffer): Promise<Buffer> {
  const read = `(async () => {
    const file = await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob();
    const image = await createImageBitmap(file);
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let text = '';
    for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
    return btoa(text);
  })()`;
  const page = await browser.newPage();
  const text = (await page.evaluate(read)) as string;
  await page.close();
  return Buffer.from(text, 'base64');
}

const colourAt = (pixels: Buffer, at: number): Colour => [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];

const distance = (a: Colour, b: Colour): number =>
  (a[0] - b[0]) ** 2 * 2 + (a[1] - b[1]) ** 2 * 4 + (a[2] - b[2]) ** 2 * 3;

/** The commonest colours; of those that look the same only the first. */
function paletteOf(counts: ReadonlyMap<number, { colour: Colour; count: number }>): Colour[] {
  const palette: Colour[] = [];
  const common = [...counts.values()].sort((a, b) => b.count - a.count);
  for (const alike of [120, 0]) {
    for (const { colour } of common) {
      if (palette.length >= coloursMax) return palette;
      if (palette.every((each) => distance(each, colour) > alike)) palette.push(colour);
    }
  }
  return palette;
}

export async function smallPicture(browser: Browser, png: Buffer): Promise<Buffer> {
  // Where the format says them: the first chunk of a PNG is its header.
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const rgba = await pixelsOf(browser, png);
  const counts = new Map<number, { colour: Colour; count: number }>();
  for (let at = 0; at < rgba.length; at += 4) {
    const key = rgba.readUIntBE(at, 3);
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { colour: colourAt(rgba, at), count: 1 });
  }
  const palette = paletteOf(counts);
  const nearest = new Map<number, number>();
  for (const [key, { colour }] of counts) {
    let best = 0;
    for (let at = 1; at < palette.length; at += 1) {
      if (distance(palette[at]!, colour) < distance(palette[best]!, colour)) best = at;
    }
    nearest.set(key, best);
  }
  const pixels = new Uint8Array(width * height);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = nearest.get(rgba.readUIntBE(4 * at, 3))!;
  return encodePng({ width, height, pixels, palette });
}

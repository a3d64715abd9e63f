/**
 * What a picture costs the shop, by model, quality and size: the only place where prices of pictures stand. What is reserved
 * before a drawing follows from it, so that it is never less than what the provider takes.
 * Source: developers.openai.com/api/docs/pricing and the page of each model, "Image generation, per image". What stands
 * there is rounded up here, which leaves room for the few tokens of the prompt.
 */
export const qualities = ['low', 'medium', 'high'] as const;
export type Quality = (typeof qualities)[number];
export type Size = `${number}x${number}`;

type BySize = Readonly<Record<string, number>>;

const micros = (square: number, oblong: number): BySize => ({
  '1024x1024': square,
  '1024x1536': oblong,
  '1536x1024': oblong,
});

const prices: Readonly<Record<string, Readonly<Record<Quality, BySize>>>> = {
  'gpt-image-1.5': {
    low: micros(9_000, 14_000),
    medium: micros(34_000, 51_000),
    high: micros(134_000, 200_000),
  },
  'gpt-image-1': {
    low: micros(11_000, 17_000),
    medium: micros(43_000, 64_000),
    high: micros(167_000, 250_000),
  },
};

/** In millionths of a dollar. @throws Error where nobody wrote the price down: a guess would be the wrong reserve. */
export function priceOf({ model, quality, size }: { model: string; quality: Quality; size: Size }): number {
  const price = prices[model]?.[quality][size];
  if (price !== undefined) return price;
  throw new Error(
    `Nobody wrote down what a picture of ${model} costs in ${quality} quality and ${size}. Add it to prices.ts, or set IMAGES_PRICE_MICROS.`,
  );
}

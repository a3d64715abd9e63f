/** All variants that are broken on purpose. */
import type { Variant } from '../variant.ts';

export const variants: readonly Variant[] = [];

/** @throws Error where there is none of that name. */
export function findVariant(name: string): Variant {
  const found = variants.find((variant) => variant.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no planted bug "${name}". There are: ${variants.map((each) => each.name).join(', ')}.`,
  );
}

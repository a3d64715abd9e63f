/**
 * The shape of a piece of JSON: the path of every key in it. The elements of a list are laid over each other, so a list
 * of one and a list of ten of the same kind have the same shape.
 */
export function shapeOf(value: unknown): Set<string> {
  const paths = new Set<string>();
  const walk = (each: unknown, path: string): void => {
    if (Array.isArray(each)) {
      for (const element of each) walk(element, `${path}[]`);
      return;
    }
    if (typeof each !== 'object' || each === null) return;
    for (const [key, inner] of Object.entries(each)) {
      const innerPath = path === '' ? key : `${path}.${key}`;
      paths.add(innerPath);
      walk(inner, innerPath);
    }
  };
  walk(value, '');
  return paths;
}

export interface ShapeDifference {
  readonly path: string;
  /** Whose it is alone. */
  readonly only: 'recorded' | 'produced';
}

/** Every key that only one of them has; a key below one that is missing is not told again. */
export function differencesOf(recorded: unknown, produced: unknown): ShapeDifference[] {
  const [theirs, ours] = [shapeOf(recorded), shapeOf(produced)];
  const missingIn = (from: Set<string>, to: Set<string>): string[] =>
    [...from].filter((path) => !to.has(path) && isTop(path, from, to));
  return [
    ...missingIn(theirs, ours).map((path) => ({ path, only: 'recorded' as const })),
    ...missingIn(ours, theirs).map((path) => ({ path, only: 'produced' as const })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isTop(path: string, from: Set<string>, to: Set<string>): boolean {
  const parent = path.slice(0, path.lastIndexOf('.')).replaceAll(/(\[\])+$/g, '');
  return !path.includes('.') || !from.has(parent) || to.has(parent);
}

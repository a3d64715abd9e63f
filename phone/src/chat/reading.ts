/** Reading what a business or a simulator of another version says: nothing is taken for granted. */
export type Body = Readonly<Record<string, unknown>>;

export function readObject(value: unknown): Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : {};
}

export const readList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const readText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

export function readNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/**
 * The keys of the business' own systems. A key is 32 random bytes, so its digest tells nothing of it and is all that is
 * kept: the key itself is seen once, by whoever makes it. The prefix lets a search for leaked secrets find it.
 */
import { hash } from 'node:crypto';

export const apiKeyPrefix = 'ndk_';

const headerForm = /^bearer +(ndk_[\w-]{43})$/i;

/** The key in an `Authorization` header, or null where it holds none that could be one. */
export function keyIn(header: string | undefined): string | null {
  return headerForm.exec(header ?? '')?.[1] ?? null;
}

/** What the store knows a key by. */
export function digestOfKey(key: string): string {
  return hash('sha256', key, 'hex');
}

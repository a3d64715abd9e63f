/**
 * What can be stored as it is. A database writes half a surrogate pair as another letter or refuses it, and JSON writes a number out of
 * range as null: both would alter silently what a customer wrote, or make two ids one. What cannot be kept is refused
 * as `badData`, so that its body is kept as bytes instead. Every text that came from outside passes here.
 */
import { Fault } from './faults.ts';

/** A text for a column of its own. @throws Fault badData */
export function storableText<T extends string | null>(value: T, what: string): T {
  if (value !== null && (!value.isWellFormed() || value.includes('\u0000'))) {
    throw refused(what, 'it holds NUL or half a surrogate pair');
  }
  return value;
}

/** A value as JSON text, which keeps NUL and half pairs but no number out of range. @throws Fault badData */
export function storableJson(value: unknown, what: string): string {
  const json = JSON.stringify(value) ?? 'null';
  // A number out of range is written as null, so a text without one need not be searched.
  if (json.includes('null') && holdsOutOfRange(value)) throw refused(what, 'it holds a number out of range');
  return json;
}

/** A time or a count. @throws Fault badData */
export function storableInteger(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw refused(what, 'it is no whole number in range');
  return value;
}

/** A name for people's eyes only: what no screen shows is left out. */
export function showable(value: string | undefined): string | null {
  return value === undefined ? null : value.toWellFormed().replaceAll('\u0000', '');
}

function holdsOutOfRange(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsOutOfRange);
}

function refused(what: string, why: string): Fault {
  return new Fault(
    'badData',
    `The ${what} cannot be stored as it is: ${why}. Keep its bytes in quarantine; nothing of it was stored.`,
  );
}

/**
 * One way to change settings at run time: a partial JSON object is laid over the current values. `null` puts a setting
 * back to its default. A name that does not exist or a value of the wrong kind is refused with the path that is wrong,
 * because a misspelt fault that silently does nothing makes a test pass for the wrong reason. To let a setting be one of a
 * few words, name them in the `words` of its owner.
 */
import { readObject } from './json-reading.ts';

/** A wrong request to the control API; the message is meant for the person or test that made it. */
export class ControlError extends Error {
  readonly httpStatus: number;
  constructor(message: string, httpStatus = 400) {
    super(message);
    this.name = 'ControlError';
    this.httpStatus = httpStatus;
  }
}

/** The words that a setting may be, or a list may hold, by its path. */
export type SettingWords = Readonly<Record<string, readonly string[]>>;

function checkWords(path: string, given: unknown, known: readonly string[]): void {
  for (const word of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
    if (known.some((each) => each === word)) continue;
    const shown = typeof word === 'string' ? JSON.stringify(word.slice(0, 64)) : `a ${typeof word}`;
    throw new ControlError(`The setting "${path}" cannot be ${shown}. Known here: ${known.join(', ')}.`);
  }
}

function checkLeaf(path: string, given: unknown, normal: unknown): void {
  if (normal === null || Array.isArray(normal)) return;
  if (typeof given !== typeof normal) {
    throw new ControlError(
      `The setting "${path}" must be a ${typeof normal}, but a ${typeof given} was given.`,
    );
  }
  if (typeof given === 'number' && (!Number.isFinite(given) || given < 0)) {
    throw new ControlError(`The setting "${path}" must be a finite number of at least 0.`);
  }
}

export interface Merge<T> {
  current: T;
  patch: unknown;
  /** Gives names, kinds and the meaning of `null`. */
  defaults: T;
  /** As errors name it. */
  path: string;
  words?: SettingWords;
}

/** Returns `current` with `patch` laid over it. */
export function mergeSettings<T extends object>({ current, patch, defaults, path, words = {} }: Merge<T>): T {
  const given = readObject(patch);
  if (!given) throw new ControlError(`"${path}" must be a JSON object.`);
  const normal = defaults as Readonly<Record<string, unknown>>;
  const merged: Record<string, unknown> = { ...(current as object) };
  for (const [key, value] of Object.entries(given)) {
    const keyPath = `${path}.${key}`;
    if (!(key in normal)) {
      throw new ControlError(
        `There is no setting "${keyPath}". Known here: ${Object.keys(normal).join(', ')}.`,
      );
    }
    const nested = readObject(normal[key]);
    if (value === null) merged[key] = structuredClone(normal[key]);
    else if (nested)
      merged[key] = mergeSettings<object>({
        ...{ current: merged[key] as object, patch: value, defaults: nested },
        ...{ path: keyPath, words },
      });
    else {
      const known = words[keyPath];
      checkLeaf(keyPath, value, normal[key]);
      if (known !== undefined) checkWords(keyPath, value, known);
      merged[key] = value;
    }
  }
  return merged as T;
}

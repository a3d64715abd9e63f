/**
 * One way to change settings at run time: a partial JSON object is laid over the current values. `null` puts a setting
 * back to its default. A name that does not exist or a value of the wrong kind is refused with the path that is wrong,
 * because a misspelt fault that silently does nothing makes a test pass for the wrong reason.
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

/** Returns `current` with `patch` laid over it; `defaults` gives names, kinds and the meaning of `null`. */
export function mergeSettings<T extends object>(current: T, patch: unknown, defaults: T, path: string): T {
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
    else if (nested) merged[key] = mergeSettings(merged[key] as object, value, nested, keyPath);
    else {
      checkLeaf(keyPath, value, normal[key]);
      merged[key] = value;
    }
  }
  return merged as T;
}

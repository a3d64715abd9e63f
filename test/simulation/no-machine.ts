/**
 * Nothing of the machine's own time or chance may be used while a simulation runs: whatever asks for it throws, so that
 * a run is its seed and nothing else. A run never lets the platform's event loop turn, so nobody else meets this.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import { Actor } from 'xstate';

const RealDate = Date;

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name} was used inside a simulation. Ask the world that was passed in.`);
  };
}

class FrozenDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) refuse('new Date()')();
    super(...(given as [number]));
  }
  static override now = refuse('Date.now');
}

type Owner = Record<string, unknown>;

const forbidden: readonly (readonly [object, string, readonly string[]])[] = [
  [globalThis, '', ['setTimeout', 'setInterval', 'setImmediate', 'fetch']],
  [Math, 'Math.', ['random']],
  [performance, 'performance.', ['now']],
  [process, 'process.', ['hrtime', 'uptime', 'cpuUsage']],
  [AbortSignal, 'AbortSignal.', ['timeout']],
  [globalThis.crypto, 'crypto.', ['getRandomValues', 'randomUUID']],
  // A dialog is run by pure transitions; an actor that is started keeps timers of its own.
  [Actor.prototype, 'Actor.', ['start']],
  [crypto, 'crypto.', ['randomBytes', 'randomFillSync', 'randomFill', 'randomInt', 'randomUUID']],
];

export async function standStill<T>(run: () => Promise<T>): Promise<T> {
  const before: (() => void)[] = [];
  const replace = (owner: object, name: string, value: unknown) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    before.push(() => {
      if (own === undefined) delete (owner as Owner)[name];
      else Object.defineProperty(owner, name, own);
    });
  };
  for (const [owner, prefix, names] of forbidden)
    for (const name of names) replace(owner, name, refuse(`${prefix}${name}`));
  replace(globalThis, 'Date', FrozenDate);
  syncBuiltinESMExports();
  try {
    return await run();
  } finally {
    for (const restore of before) restore();
    syncBuiltinESMExports();
  }
}

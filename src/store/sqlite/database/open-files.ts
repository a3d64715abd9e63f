/**
 * The database file and its lock, as they were when they were opened. A file that is removed or replaced under a running
 * server stays open: it takes every commit, and all of it is gone with the process. A lock that is removed lets a second
 * server in. So before each commit the names are looked at, which costs microseconds beside a sync; where one means
 * another file or none, nothing is committed any more, until the file is back where it was.
 */
import { type Stats, statSync } from 'node:fs';
import { Fault } from '#core/model/faults.ts';

interface OpenFile {
  path: string;
  opened: Stats | undefined;
}

export class OpenFiles {
  readonly #database: OpenFile;
  readonly #lock: OpenFile;

  constructor(databasePath: string, lockPath: string) {
    this.#database = { path: databasePath, opened: lookAt(databasePath) };
    this.#lock = { path: lockPath, opened: lookAt(lockPath) };
  }

  /** @throws Fault storeUnavailable where a commit would be lost. */
  demandInPlace(): void {
    if (!isInPlace(this.#database))
      throw new Fault(
        'storeUnavailable',
        `The database ${this.#database.path} was removed or replaced while the server had it open. What is written now would be lost, so nothing is: webhooks get 503 and Meta keeps their messages. Move the file back to where it was; or stop the server, restore the database, start again.`,
      );
    if (!isInPlace(this.#lock))
      throw new Fault(
        'storeUnavailable',
        `The lock file ${this.#lock.path} was removed while the server held it, so another server may own the database now. Nothing is written any more: webhooks get 503 and Meta keeps their messages. Stop this server and start one again.`,
      );
  }
}

/** Undefined where the name means nothing. */
function lookAt(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isInPlace({ path, opened }: OpenFile): boolean {
  try {
    const found = lookAt(path);
    return found?.ino === opened?.ino && found?.dev === opened?.dev;
  } catch {
    // A name that may not be looked at says nothing about the file; its next commit will.
    return true;
  }
}

/**
 * A server that waits to take over. `nightdesk dev` starts the next server beside the running one, which loads all of our own
 * code and waits. When it is told that the bot's files have changed, it loads the configuration and says over the channel to
 * its supervisor that it could start, or why not. Only when it is told to go it opens the database and the port, which the one
 * before has given up by then. So a restart costs no more than that, and a configuration that cannot be used costs nothing.
 *
 * It also says which files of the project it has loaded, so that only those need to be watched.
 */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outlineOf } from '#core/model/faults.ts';
import { BadConfig } from '#runtime/config.ts';
import { configFileNames } from '#runtime/config-file.ts';
import { envFileName } from './env-file.ts';

export type StandbyNotice =
  | { kind: 'configured'; files: string[] }
  | {
      kind: 'refused';
      files: string[];
      text: string;
      /** Null where the environment is at fault, which no change of a file mends. */
      place: { file: string; line: number | null } | null;
    };

export interface Standby {
  /** False where the supervisor does not want this server any more. */
  mayGo(): Promise<boolean>;
  refuse(error: unknown): Promise<void>;
}

/** Waits until the configuration is to be loaded; null where the supervisor does not want this server any more. */
export async function enterStandby(folder: string): Promise<Standby | null> {
  return (await isToldTo('load')) ? standby(folder) : null;
}

/** Words that come before anybody asks for them are kept by the platform. */
function isToldTo(word: 'load' | 'go'): Promise<boolean> {
  return new Promise((resolve) => {
    if (!process.connected) {
      resolve(false);
      return;
    }
    process.once('message', (words) => resolve(words === word));
    process.once('disconnect', () => resolve(false));
  });
}

function standby(folder: string): Standby {
  const files = new Set<string>([...configFileNames, envFileName].map((name) => join(folder, name)));
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      try {
        const found = next(specifier, context);
        note(found.url);
        return found;
      } catch (error) {
        // What is missing now may be written next.
        if (URL.canParse(specifier, context.parentURL)) note(new URL(specifier, context.parentURL).href);
        throw error;
      }
    },
  });
  const note = (url: string): void => {
    if (!url.startsWith('file:')) return;
    const path = fileURLToPath(url);
    if (path.startsWith(`${folder}/`) && !path.includes('/node_modules/')) files.add(path);
  };
  const tell = (notice: StandbyNotice) =>
    new Promise<void>((resolve) => {
      if (process.send === undefined) resolve();
      else process.send(notice, () => resolve());
    });

  return {
    async mayGo() {
      hooks.deregister();
      await tell({ kind: 'configured', files: [...files] });
      const isWanted = await isToldTo('go');
      if (process.connected) process.disconnect();
      return isWanted;
    },
    async refuse(error) {
      hooks.deregister();
      const place = error instanceof BadConfig ? error.place : null;
      const text = error instanceof BadConfig ? error.message : outlineOf(error);
      await tell({ kind: 'refused', files: [...files], text, place });
      if (process.connected) process.disconnect();
    },
  };
}

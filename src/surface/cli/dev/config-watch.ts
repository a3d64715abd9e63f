/**
 * Watches for changes of the configuration file. Its folder is watched, not the file: editors replace a file by renaming
 * another over it. One save makes several notices, so they are gathered, and only another content counts.
 */
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Timers } from '#core/ports/world.ts';

const names = ['nightdesk.config.ts', 'nightdesk.config.js'];
const gatherMs = 150;

export interface ConfigWatchOptions {
  folder: string;
  timers: Timers;
  onChange: (name: string) => void;
}

export function watchConfig({ folder, timers, onChange }: ConfigWatchOptions): { close(): void } {
  const contents = new Map(names.map((name) => [name, contentOf(folder, name)]));
  let cancel = (): void => {};
  const compare = (): void => {
    const changed = names.filter((name) => contents.get(name) !== contentOf(folder, name));
    for (const name of changed) contents.set(name, contentOf(folder, name));
    if (changed[0] !== undefined) onChange(changed[0]);
  };
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && !names.includes(name)) return;
    cancel();
    cancel = timers.after(gatherMs, compare);
  });
  // A folder that goes away takes its watch with it; the server is told by other means.
  watcher.on('error', () => {});
  return {
    close() {
      cancel();
      watcher.close();
    },
  };
}

function contentOf(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return null;
  }
}

/**
 * Watches the files that the bot is made of: the configuration and what it imports inside the project. Their folders are
 * watched, not the files: editors replace a file by renaming another over it, and a file that is missing now may come. One
 * save makes several notices, so they are gathered, and only another content counts.
 */
import { existsSync, type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Timers } from '#core/ports/world.ts';

/** Long enough for an editor that empties a file before it writes it. */
const gatherMs = 40;

export interface ProjectWatchOptions {
  folder: string;
  timers: Timers;
  /** Given the names of the files that changed, from the folder. */
  onChange: (names: readonly string[]) => void;
}

export class ProjectWatch {
  readonly #options: ProjectWatchOptions;
  readonly #contents = new Map<string, string | null>();
  readonly #watchers = new Map<string, { watcher: FSWatcher; inode: number | undefined }>();
  #cancel = (): void => {};

  constructor(options: ProjectWatchOptions) {
    this.#options = options;
  }

  /** Watches these files from now on; one that is known already is compared with what it held when it was first named. */
  watch(paths: readonly string[]): void {
    const wanted = new Set(paths);
    for (const path of this.#contents.keys()) if (!wanted.has(path)) this.#contents.delete(path);
    for (const path of wanted) if (!this.#contents.has(path)) this.#contents.set(path, contentOf(path));
    const folders = new Set([...wanted].map(existingFolderOf));
    for (const [folder, { inode, watcher }] of this.#watchers) {
      // A folder that was removed and made again is another one, of which the old watch hears nothing.
      if (folders.has(folder) && inode === inodeOf(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#open(folder);
  }

  close(): void {
    this.#cancel();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #open(folder: string): void {
    const { timers } = this.#options;
    const notice = (): void => {
      this.#cancel();
      this.#cancel = timers.after(gatherMs, () => this.#compare());
    };
    const watcher = watch(folder, notice);
    // A folder that goes away takes its watch with it.
    watcher.on('error', notice);
    this.#watchers.set(folder, { watcher, inode: inodeOf(folder) });
  }

  #compare(): void {
    const { folder, onChange } = this.#options;
    const changed: string[] = [];
    for (const [path, before] of this.#contents) {
      const now = contentOf(path);
      if (now === before) continue;
      this.#contents.set(path, now);
      changed.push(relative(folder, path));
    }
    // A folder that was made may hold a file that was missing.
    this.watch([...this.#contents.keys()]);
    if (changed.length > 0) onChange(changed);
  }
}

function existingFolderOf(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) || folder === dirname(folder) ? folder : existingFolderOf(folder);
}

const inodeOf = (folder: string): number | undefined => statSync(folder, { throwIfNoEntry: false })?.ino;

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** A town whose moments and events are booked as the supervisor of `nightdesk dev` books them. */
import type { Step } from '#surface/cli/dev/workbench/life.ts';
import { lifeOf } from '#surface/cli/dev/workbench/life.ts';
import { MomentBook } from '#surface/cli/dev/workbench/moment-book.ts';
import { lookAlikeModel } from '../virtual/models.ts';
import { Town, type TownOptions } from '../virtual/town.ts';

export interface WatchedTown {
  town: Town;
  book: MomentBook;
  /** The life of a message as `kind: text`, in order. */
  life(wamid: string): Step[];
}

export function watchedTown(options: TownOptions = {}): WatchedTown {
  const town: Town = new Town({
    ...options,
    model: (world) => {
      // It is asked for just before the rest is made of the same world.
      world.observer = { observe: (moment) => book.told({ ...moment, atMs: world.clock.nowMs() }) };
      return options.model?.(world) ?? lookAlikeModel(world, town.ai);
    },
  });
  const nowMs = () => town.world.nowMs();
  const book = new MomentBook({ nowMs });
  town.meta.log.listen((event) => book.simulated(event));
  return { town, book, life: (wamid) => lifeOf(wamid, book.recordsAbout(wamid), nowMs()) };
}

export const told = (steps: readonly Step[]): string[] => steps.map(({ kind, text }) => `${kind}: ${text}`);

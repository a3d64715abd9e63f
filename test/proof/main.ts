/** `npm run proof`: the full run with kills, and other long proofs. To add a part, add it to `parts` and to `usage`. */
import { readArguments, refuse, refuseUnlessOurs } from '../command-line.ts';
import { runInFull } from './full-run.ts';
import { proveMachines } from './machines/main.ts';
import { proveMemory } from './memory.ts';
import { writePage } from './page/main.ts';
import { provePlans } from './plans/main.ts';
import { proveWalks } from './walks.ts';

type Part = (args: string[]) => boolean | Promise<boolean>;

const parts: Readonly<Record<string, Part>> = {
  page: writePage,
  machines: proveMachines,
  memory: proveMemory,
  plans: provePlans,
  walks: proveWalks,
};

const usage = `npm run proof -- [seed | part] [options]: the full run with kills, of seed 1 unless another is named; or a part

  page              writes docs/proof.md, with everything that was run for it
    --seeds N         so many seeds of the simulation; 10,000 if absent
    --reports FOLDER  keeps the reports there, and takes those that are there already
    --keep-runs       runs nothing: only the rest of the page is written anew
  machines          the full run on Postgres, with 2 webhook and 3 worker processes that are killed one after another
    --wake NAME       local, bullmq or cloud-tasks; local if absent
    --seed S          of the customers and the faults; 1 if absent
    --messages N      so many; 10,000 if absent
  memory            watches the heap under load
    --minutes N       for so long; 2 if absent
    --seed S          of the load; 1 if absent
  plans             whether old rows make a statement on Postgres dearer
    --rows N          so many old messages; 10,000,000 if absent
  walks             sends customers through the gift shop
    --seed S          of the customers; 1 if absent
    --customers N     so many; 2,000 if absent
    --per-second N    so many begin in a second; 3 if absent
    --no-keys         the image provider knows nothing of idempotency keys
    --virtual         on a virtual clock, where weeks pass
    --machines        through 2 webhook and 3 worker processes on Postgres, which is crashed, too
    --wake NAME       of --machines: local, bullmq or cloud-tasks; local if absent
`;

const [name, ...args] = readArguments(usage, () => process.argv.slice(2));
process.exit((await prove(name ?? '1').catch(refuseUnlessOurs)) ? 0 : 1);

async function prove(part: string): Promise<boolean> {
  const found = Object.hasOwn(parts, part) ? parts[part] : undefined;
  if (found !== undefined) return found(args);
  if (!/^\d+$/.test(part)) refuse(`There is no part "${part}" of the proof`);
  if (args.length > 0) refuse(`The full run knows no "${args[0]}"`);
  return runInFull(Number(part));
}

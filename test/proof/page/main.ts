/**
 * Writes `docs/proof.md`: runs the simulation, the hunt for planted bugs, the crash points and the machine's faults, and
 * puts what came of them beside the invariants. `--seeds N` says how many seeds (10,000), `--reports FOLDER` keeps the
 * reports there and takes those that are there already. `--keep-runs` runs nothing: it leaves what the page tells of runs as
 * it is, with their date, and writes the rest anew.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gather, gatheredAtMs } from './gather.ts';
import { render, renew } from './render.ts';

const path = join(import.meta.dirname, '../../../docs/proof.md');
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

export function writePage(args: string[]): boolean {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '10000' },
      reports: { type: 'string' },
      'keep-runs': { type: 'boolean', default: false },
    },
  });
  writeFileSync(
    path,
    values['keep-runs'] ? renew(readFileSync(path, 'utf8'), dayOf(Date.now())) : run(values),
  );
  console.log('Written: docs/proof.md');
  return true;
}

function run(values: { seeds: string; reports?: string }): string {
  const folder = values.reports ?? mkdtempSync(join(tmpdir(), 'nightdesk-proof-'));
  mkdirSync(folder, { recursive: true });
  const gathered = gather({ folder, seeds: Number(values.seeds) });
  return render(gathered, {
    date: dayOf(gatheredAtMs(folder)),
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}`,
    command: `npm run proof -- page --seeds ${values.seeds}`,
  });
}

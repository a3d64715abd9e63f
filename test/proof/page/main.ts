/**
 * Writes `docs/proof.md`: runs the simulation, the hunt for planted bugs, the crash points and the machine's faults, and
 * puts what came of them beside the invariants. `--seeds N` says how many seeds (10,000), `--reports FOLDER` keeps the
 * reports there and takes those that are there already.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gather } from './gather.ts';
import { render } from './render.ts';

export function writePage(args: string[]): boolean {
  const { values } = parseArgs({
    args,
    options: { seeds: { type: 'string', default: '10000' }, reports: { type: 'string' } },
  });
  const folder = values.reports ?? mkdtempSync(join(tmpdir(), 'nightdesk-proof-'));
  mkdirSync(folder, { recursive: true });
  const gathered = gather({ folder, seeds: Number(values.seeds) });
  const page = render(gathered, {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}`,
    command: `npm run proof -- page --seeds ${values.seeds}`,
  });
  writeFileSync(join(import.meta.dirname, '../../../docs/proof.md'), page);
  console.log('Written: docs/proof.md');
  return true;
}

/** Runs everything that `docs/proof.md` reports, each as its own command, and reads what it wrote. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome as CrashOutcome } from '../../crash/run-case.ts';
import type { FaultRow } from '../../faults/fault.ts';
import type { FuzzingFigures } from '../../hostile/fuzzing-figures.ts';
import type { Figures } from '../../simulation/figures.ts';
import type { Found } from '../../simulation/hunt.ts';

export interface Gathered {
  simulation: ReturnType<Figures['asJson']>;
  planted: Found[];
  crashes: CrashOutcome[];
  faults: FaultRow[];
  fuzzing: FuzzingFigures;
}

interface Step {
  name: keyof Gathered;
  args(file: string): { args: string[]; env?: Record<string, string> };
}

const vitest = (folder: string) => ['x', '--', 'vitest', 'run', '--project', 'whole', folder];

function stepsFor(seeds: number): Step[] {
  return [
    {
      name: 'simulation',
      args: (file) => ({ args: ['run', '-s', 'sim', '--', '--seeds', `1..${seeds}`, '--report', file] }),
    },
    {
      name: 'planted',
      args: (file) => ({ args: ['run', '-s', 'sim', '--', '--planted', 'all', '--report', file] }),
    },
    { name: 'crashes', args: (file) => ({ args: vitest('test/crash'), env: { CRASH_REPORT: file } }) },
    { name: 'faults', args: (file) => ({ args: vitest('test/faults'), env: { FAULTS_REPORT: file } }) },
    {
      name: 'fuzzing',
      args: (file) => ({
        args: [
          ...['x', '--', 'node', '--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'],
          ...['test/hostile/coverage-guided.ts', '--minutes', '5', '--seed', '99', '--report', file],
        ],
      }),
    },
  ];
}

/** Reports that are in the folder already are read, not made again. @throws Error where a command failed. */
export function gather(options: { folder: string; seeds: number }): Gathered {
  const entries = stepsFor(options.seeds).map(({ name, args }) => {
    const file = join(options.folder, `${name}.json`);
    if (!existsSync(file)) runStep(name, args(file));
    return [name, JSON.parse(readFileSync(file, 'utf8')) as unknown];
  });
  return Object.fromEntries(entries) as Gathered;
}

/** When the oldest of the reports was made: what the page says is true since then. */
export function gatheredAtMs(folder: string): number {
  return Math.min(...stepsFor(0).map(({ name }) => statSync(join(folder, `${name}.json`)).mtimeMs));
}

function runStep(name: string, { args, env }: { args: string[]; env?: Record<string, string> }): void {
  console.log(`== ${name}: npm ${args.join(' ')}`);
  const { status } = spawnSync('npm', args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`"${name}" failed, so no page is written. Mend what it found first.`);
}

/**
 * `npm run proof -- walks`: customers walk through the gift shop. Over real HTTP on one process with a file, or with `--machines` on several with
 * Postgres, all of them killed by SIGKILL; with `--virtual` in one process on a virtual clock, where weeks pass.
 */
import { parseArgs } from 'node:util';
import { refuse } from '../command-line.ts';
import { walk } from '../walks/walk.ts';
import { wakes } from './machines/own-queue.ts';
import { openManyProcesses, withoutHours } from './walks/many-processes.ts';
import { openOneProcess } from './walks/one-process.ts';
import { walkForReal } from './walks/real-walk.ts';

export async function proveWalks(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      customers: { type: 'string', default: '2000' },
      'no-keys': { type: 'boolean', default: false },
      virtual: { type: 'boolean', default: false },
      machines: { type: 'boolean', default: false },
      wake: { type: 'string', default: 'local' },
      'per-second': { type: 'string', default: '3' },
    },
  });
  const wake = wakes.find((name) => name === values.wake);
  if (wake === undefined) return refuse(`There is no wake "${values.wake}"; there are ${wakes.join(', ')}`);
  if (wake !== 'local' && !values.machines) return refuse('A wake is chosen for --machines only');
  if (values.virtual && values.machines) return refuse('A walk is --virtual or with --machines');
  const options = {
    seed: Number(values.seed),
    customers: Number(values.customers),
    honoursKeys: !values['no-keys'],
    customersPerSecond: Number(values['per-second']),
  };
  const how = values.virtual
    ? 'on a virtual clock'
    : values.machines
      ? `over HTTP, through 2 webhook and 3 worker processes on Postgres, wake ${wake}, with SIGKILLs`
      : 'over HTTP, on a file, with SIGKILLs';
  const keys = options.honoursKeys ? 'honours idempotency keys' : 'knows nothing of idempotency keys';
  process.stdout.write(
    `${options.customers} customers walk ${how}, seed ${options.seed}; the provider ${keys}\n`,
  );
  const startedMs = Date.now();
  const open = values.machines ? openManyProcesses({ wake }) : openOneProcess;
  const report = values.virtual ? await walk(options) : await walkForReal(options, open);
  const { book, problems, missing } = report;
  for (const [what, times] of book.figures) process.stdout.write(`  ${String(times).padStart(8)}  ${what}\n`);
  if (values.machines) process.stdout.write(`  not here  ${withoutHours}\n`);
  for (const problem of problems.slice(0, 50)) process.stdout.write(`  MISSED    ${problem}\n`);
  for (const what of missing) process.stdout.write(`  MISSED    the run had no ${what}\n`);
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  process.stdout.write(`${problems.length} problems, ${missing.length} figures missing, ${seconds} s\n`);
  return problems.length === 0 && missing.length === 0;
}

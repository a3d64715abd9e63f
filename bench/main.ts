/**
 * `npm run bench`: Nightdesk beside the usual recipe and a bare server, in one run on one machine; what is printed are medians.
 *
 * All servers, the load and the simulator share the machine's cores. The load and the simulator run in this process; its
 * own share of a core stands in each table, and while that is well under 1 they are not what was measured.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readArguments, refuse } from '../test/command-line.ts';
import { wakes } from '../test/proof/machines/own-queue.ts';
import { measureFairness } from './fairness.ts';
import { measureHistory } from './history.ts';
import { measureHostile } from './hostile.ts';
import { printed, type Report } from './report.ts';
import { contestantKeys, measureSideBySide, measures } from './side-by-side.ts';
import { measureSimulator } from './simulator.ts';
import { measureSplitRoles } from './split-roles.ts';

const usage = `npm run bench -- [fairness | history | hostile | simulator | split-roles] [options]: Nightdesk beside the usual recipe and a bare server

  fairness           instead, how long one customer waits beside ten thousand of another tenant, over several processes; with
                     --quick, --json and --wakes alone
  history            instead, answers on a Postgres full of old rows, beside a new one; with --quick, --json, --events
                     and --conversations alone
  hostile            instead, what the largest and worst bodies cost the server; with --quick and --json alone
  simulator          instead, how much the look-alike of Meta can do alone; with --quick, --json and --profile alone
  split-roles        instead, what it adds that webhooks and work are several processes, to one of all roles; with --quick, --json
                     and --wakes alone
  --quick            a smoke run of tiny counts; its figures mean nothing
  --json FILE        writes the whole report, each round's figures too
  --only a,b         only these of ${measures.join(', ')} (overhead and throughput share their towns)
  --contestants a,b  only these of ${contestantKeys.join(', ')}
  --wakes a,b        only these of ${wakes.join(', ')}
  --profile FOLDER   writes a CPU profile of each server there; profiling makes them slower
  --events N         old events, 5,000,000 if absent
  --conversations N  that they are spread over, 500,000 if absent
`;

const { values: options, positionals } = readArguments(usage, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      contestants: { type: 'string' },
      wakes: { type: 'string' },
      profile: { type: 'string' },
      events: { type: 'string' },
      conversations: { type: 'string' },
    },
  }),
);

function listOf<T extends string>(
  name: string,
  given: string | undefined,
  allowed: readonly T[],
): T[] | undefined {
  return given
    ?.split(',')
    .map(
      (each) =>
        allowed.find((one) => one === each) ??
        refuse(`--${name} knows no "${each}"; there are ${allowed.join(', ')}`),
    );
}

function countOf(name: string, given: string | undefined): number | undefined {
  const count = given === undefined ? undefined : Number(given);
  if (count !== undefined && !(Number.isInteger(count) && count > 0))
    refuse(`--${name} must be a whole number over 0, not "${given}"`);
  return count;
}

const { quick, profile } = options;
const benches: Record<string, () => Promise<Report>> = {
  'side by side': () =>
    measureSideBySide({
      ...{ quick, profile },
      only: listOf('only', options.only, measures),
      contestants: listOf('contestants', options.contestants, contestantKeys),
    }),
  fairness: () => measureFairness({ quick, wakes: listOf('wakes', options.wakes, wakes) }),
  history: () =>
    measureHistory({
      quick,
      events: countOf('events', options.events),
      conversations: countOf('conversations', options.conversations),
    }),
  hostile: () => measureHostile(options),
  simulator: () => measureSimulator(options),
  'split-roles': () => measureSplitRoles({ quick, wakes: listOf('wakes', options.wakes, wakes) }),
};
const [what = 'side by side'] = positionals;
const measure = Object.hasOwn(benches, what) ? benches[what] : undefined;
if (measure === undefined) refuse(`There is no bench "${what}"`);
const report = await measure();
process.stdout.write(`${printed(report)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);

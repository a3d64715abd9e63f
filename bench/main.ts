/**
 * `npm run bench`: Nightdesk beside the usual recipe and a bare server, in one run on one machine. Rounds are
 * interleaved, so that a machine that gets slower meets all of them; what is printed are medians.
 *
 * All servers, the load and the simulator share the machine's cores. The load and the simulator run in this process; its
 * own share of a core stands in each table, and while that is well under 1 they are not what was measured.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readArguments, refuse } from '../test/command-line.ts';
import { measureHostile } from './hostile.ts';
import { describeMachine } from './machine.ts';
import { acksOfBareServer, acksOfNightdesk } from './measures/acks.ts';
import { overheadOf } from './measures/overhead.ts';
import { pacingOf, throughputOf } from './measures/throughput.ts';
import { fullPlan, type Plan, quickPlan } from './plan.ts';
import { whyNoRecipe } from './redis.ts';
import { aimsOf, type Figures, medianOf, printed, type Report, type Row } from './report.ts';
import { measureSimulator } from './simulator.ts';
import { buildTown, type Contestant, numbersOf, type TownOptions } from './town.ts';

const usage = `npm run bench -- [hostile | simulator] [options]: Nightdesk beside the usual recipe and a bare server

  hostile           instead, what the largest and worst bodies cost the server; with --quick and --json alone
  simulator         instead, how much the look-alike of Meta can do alone; with --quick, --json and --profile alone
  --quick           a smoke run of tiny counts; its figures mean nothing
  --json FILE       writes the whole report, each round's figures too
  --only a,b        only these of acks, overhead, throughput, pacing (overhead and throughput share their towns)
  --profile FOLDER  writes a CPU profile of each server there; profiling makes them slower
`;

const { values: options, positionals } = readArguments(usage, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      profile: { type: 'string' },
    },
  }),
);

type Measure = 'acks' | 'overhead' | 'throughput' | 'pacing';

const plan = options.quick ? quickPlan : fullPlan;
const wanted = new Set(options.only?.split(','));
const isWanted = (measure: Measure) => wanted.size === 0 || wanted.has(measure);
const profileOf = (what: string) =>
  options.profile === undefined ? {} : { profileFolder: resolve(options.profile, what) };
const rows = new Map<string, Row>();

function rowOf(measure: Measure, subject: string): Row {
  const key = `${measure} ${subject}`;
  const row = rows.get(key) ?? { measure, subject, rounds: [] };
  rows.set(key, row);
  return row;
}

const note = (measure: Measure, subject: string, figures: Figures) =>
  rowOf(measure, subject).rounds.push(figures);

async function measureAcks(): Promise<void> {
  const numbers = numbersOf(plan.tenants);
  note('acks', 'Nightdesk', await acksOfNightdesk(plan, numbers, profileOf('acks')));
  note('acks', 'bare server', await acksOfBareServer(plan, numbers));
}

const townOptions = (
  contestant: Contestant,
  { tenants, contacts, sendsPerSecondMax }: Plan,
): TownOptions => ({
  contestant,
  tenants,
  contacts,
  sendsPerSecondMax,
  ...profileOf(contestant.toLowerCase().replace(' ', '-')),
});

async function measureAnswers(contestant: Contestant): Promise<void> {
  const town = await buildTown(townOptions(contestant, plan));
  try {
    if (isWanted('overhead')) note('overhead', contestant, await overheadOf(town, plan));
    if (isWanted('throughput')) note('throughput', contestant, await throughputOf(town, plan));
  } finally {
    await town.close();
  }
}

async function measurePacing(contestant: Contestant): Promise<void> {
  const { messages, sendsPerSecondMax } = plan.pacing;
  const town = await buildTown(
    townOptions(contestant, { ...plan, tenants: 1, contacts: messages, sendsPerSecondMax }),
  );
  try {
    note('pacing', contestant, await pacingOf(town, plan));
  } finally {
    await town.close();
  }
}

async function run(contestants: readonly Contestant[]): Promise<string[]> {
  const notes = [];
  const beginMs = performance.now();
  const elapsedMs = () => performance.now() - beginMs;
  let longestMs = 0;
  if (isWanted('pacing')) for (const contestant of contestants) await measurePacing(contestant);
  for (let round = 1; round <= plan.rounds; round++) {
    if (elapsedMs() + longestMs > plan.budgetMs) {
      notes.push(
        `Only ${round - 1} of ${plan.rounds} rounds: another would not have ended in time on this machine.`,
      );
      break;
    }
    const roundBeginMs = elapsedMs();
    if (isWanted('acks')) await measureAcks();
    if (isWanted('overhead') || isWanted('throughput'))
      for (const contestant of contestants) await measureAnswers(contestant);
    longestMs = Math.max(longestMs, elapsedMs() - roundBeginMs);
    process.stderr.write(
      `round ${round} of ${plan.rounds} done after ${Math.round(elapsedMs() / 1_000)} s\n`,
    );
  }
  return notes;
}

function describePlan(): string[] {
  const { acks, overhead, throughput, pacing } = plan;
  return [
    `Medians of ${plan.rounds} rounds${options.quick ? ' (a smoke run: these figures mean nothing)' : ''}; ${plan.tenants} tenants, ${plan.contacts} contacts, numbers of ${plan.sendsPerSecondMax} sends/s. The cores are shared with load and simulator.`,
    `acks: ${acks.webhooks} webhooks over ${acks.connections} connections. overhead: ${overhead.messages} messages at ${overhead.messagesPerSecond}/s, a model of 0 ms.`,
    `throughput: ${throughput.messages} messages as fast as they are acknowledged, three statuses each. pacing: ${pacing.messages} messages at once to one number of ${pacing.sendsPerSecondMax}/s, in and out together, one round.`,
    'Nightdesk commits to disk before it acknowledges; what Redis does with its disk is as this machine has it set.',
  ];
}

async function measureSideBySide(): Promise<Report> {
  const startedAt = new Date().toISOString();
  const missing = await whyNoRecipe();
  const notes = await run(missing === null ? ['Nightdesk', 'usual recipe'] : ['Nightdesk']);
  if (missing !== null) {
    for (const measure of ['overhead', 'throughput', 'pacing'] as const)
      if (isWanted(measure)) rowOf(measure, 'usual recipe').skipped = missing;
    if (process.env.CI) {
      process.stderr.write(`The recipe must be measured under CI, and was not: ${missing}\n`);
      process.exitCode = 1;
    }
  }
  const order: Measure[] = ['acks', 'overhead', 'throughput', 'pacing'];
  const measured = order.flatMap((measure) => [...rows.values()].filter((row) => row.measure === measure));
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [...describePlan(), ...notes],
    rows: measured.map((row) => ({ ...row, median: medianOf(row.rounds) })),
    aims: aimsOf(measured),
  };
}

const benches: Record<string, () => Promise<Report>> = {
  'side by side': measureSideBySide,
  hostile: () => measureHostile(options),
  simulator: () => measureSimulator(options),
};
const [what = 'side by side'] = positionals;
const measure = Object.hasOwn(benches, what) ? benches[what] : undefined;
if (measure === undefined) refuse(`There is no bench "${what}"`);
const report = await measure();
process.stdout.write(`${printed(report)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);

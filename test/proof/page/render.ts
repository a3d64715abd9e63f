/** `docs/proof.md` from what was gathered. */

import { crashPoints } from '#core/ports/crash-points.ts';
import { variants } from '../../simulation/planted/index.ts';
import { faultsFound } from './faults-found.ts';
import type { Gathered } from './gather.ts';
import { invariants } from './invariants.ts';
import { checkersOf, testsOf } from './watchers.ts';

export interface Circumstances {
  date: string;
  machine: string;
  command: string;
}

const link = (path: string) => `[${path.split('/').at(-1)}](../${path})`;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
const count = (n: number) => n.toLocaleString('en-GB');

const runsBegin = '## Simulation';
const runsEnd = '## Faults that were found';

export function render(gathered: Gathered, { date, machine, command }: Circumstances): string {
  return pageOf({
    intro: `What is claimed, what enforces it, what watches it, and what was run against it. This page is written by \`${command}\`; its figures are
of ${date} on ${machine}. Each part can be run alone by the command beside it.`,
    runs: [simulation, planted, crashes, faults, hostile].map((part) => part(gathered)).join('\n\n'),
  });
}

/** The page with what it tells of runs as it was, and everything else as it is now. */
export function renew(page: string, date: string): string {
  const [, intro = ''] = page.split('\n\n');
  const runs = page.slice(page.indexOf(runsBegin), page.indexOf(runsEnd)).trimEnd();
  if (!page.includes(runsBegin) || !page.includes(runsEnd))
    throw new Error('The page tells of no runs that could be kept. Write it with `npm run proof -- page`.');
  const renewed = `Invariants, faults that were found and lifecycles were brought up to date on ${date} by \`npm run proof -- page --keep-runs\`. The runs are older: what was
built since, they have not met.`;
  return pageOf({ intro: `${intro}\n\n${renewed}`, runs });
}

function pageOf({ intro, runs }: { intro: string; runs: string }): string {
  return `# Proof

${intro}

## Invariants

${invariantTable()}

${runs}

${runsEnd}

Of the product itself, before anybody else met them; each was mended at its root and has a test.

${table(['found by', 'what it was'], faultsFound)}

## Lifecycles

Every state and every input of [events](spec/event.md), [turns](spec/turn.md), [activities](spec/activity.md), [sends](spec/send.md),
[contacts](spec/contact.md), [holders](spec/holder.md) and [entries of the ledger](spec/ledger.md) stands in a table; \`test/spec\` walks the real store through
each cell.
`;
}

function invariantTable(): string {
  const rows = invariants.map(({ name, says, code, sql }) => [
    name,
    says,
    code.map(([path, does]) => `${link(path)}: ${does}`).join('; '),
    sql,
    checkersOf(name).map(link).join(', '),
    testsOf(name).map(link).join(', '),
  ]);
  return table(['', 'says', 'enforced in code', 'and in SQL', 'checkers', 'tests that name it'], rows);
}

function simulation({
  simulation: { seeds, virtualHours, timesRealTime, events, eventsPerSecond, wallSeconds, counts },
}: Gathered) {
  const rows = Object.entries(counts).map(([what, n]) => [what, count(n)]);
  return `## Simulation: \`npm run sim -- --seeds 1..${seeds}\`

${count(seeds)} seeds, no violation. ${count(virtualHours)} hours of virtual time in ${count(Math.round(wallSeconds))} s of the wall clock (${count(timesRealTime)} times real time), ${count(events)} events
(${count(eventsPerSecond)}/s). A run fails where one of these is 0:

${table(['what happened', 'times'], rows)}`;
}

function planted({ planted: found }: Gathered): string {
  const whatOf = new Map(variants.map(({ name, what }) => [name, what]));
  const rows = found.map(({ name, invariant, seed, after }) => [
    name,
    whatOf.get(name) ?? '',
    invariant ?? 'not found',
    seed === null ? '' : String(seed),
    count(after),
  ]);
  return `## Planted bugs: \`npm run sim -- --planted all\`

Each is the product with one part broken on purpose (\`test/simulation/planted\`); the same seed passes unbroken.

${table(['bug', 'what is wrong', 'found by', 'at seed', 'after seeds'], rows)}`;
}

function crashes({ crashes: outcomes }: Gathered): string {
  const points = Object.entries(crashPoints).map(([point, means]) => {
    const of = outcomes.filter((outcome) => outcome.point === point);
    const sum = (key: 'hits' | 'said' | 'answered' | 'held' | 'modelCalls') =>
      String(of.reduce((total, outcome) => total + outcome[key], 0));
    const problems = of.flatMap((outcome) => outcome.problems);
    return [
      `\`${point}\``,
      means,
      sum('hits'),
      `${sum('answered')} of ${sum('said')}`,
      sum('held'),
      sum('modelCalls'),
      problems.length === 0 ? 'survived' : problems.join('; '),
    ];
  });
  return `## Crash points: \`npx vitest run --project whole test/crash\`

A real server on a real file is killed at each point with SIGKILL and started again.

${table(['point', 'what is true there', 'deaths', 'answered', 'held', 'model calls', 'outcome'], points)}`;
}

function faults({ faults: rows }: Gathered): string {
  return `## Faults of the machine: \`npx vitest run --project whole test/faults\`

${table(
  ['fault', 'outcome'],
  [...rows]
    .sort((a, b) => a.fault.localeCompare(b.fault))
    .map(({ fault, ran, reason, outcome }) => [fault, ran ? (outcome ?? 'FAILED') : `not run: ${reason}`]),
)}`;
}

function hostile({ fuzzing: { seed, inputs, recorded, waysAtStart, waysNew, inputsKept } }: Gathered) {
  return `## Hostile input: \`test/hostile/coverage-guided.ts --minutes 5 --seed ${seed}\`

${count(inputs)} signed bodies, begun with ${recorded} recorded webhooks that take ${count(waysAtStart)} ways through the code that reads them; ${count(inputsKept)} inputs
found ${count(waysNew)} further ways. No fault: each was answered 200, kept, and nothing was stored that was not in it. Fuzzing by structure and by bytes
of every door, floods and slow clients run in \`npm test\` (\`test/hostile\`); their figures, the largest bodies and memory under load
stand in [measurements](measurements.md). What is defended and what is not: [SECURITY.md](../SECURITY.md).`;
}

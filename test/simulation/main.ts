/** `npm run sim`: runs seeds and says what came of them. */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { readArguments, refuse } from '../command-line.ts';
import { checkFigures, Figures } from './figures.ts';
import { type Found, hunt } from './hunt.ts';
import { drawPlan, type Plan } from './plan.ts';
import { findVariant, variants } from './planted/index.ts';
import { runPool } from './pool.ts';
import { type Outcome, simulate } from './run.ts';
import { failsBy, shrink } from './shrink.ts';
import type { Variant } from './variant.ts';
import type { Order } from './worker.ts';

const usage = `npm run sim -- [options]: runs seeds and says what came of them; seeds 1 to 100 unless others are asked for

  --seed N          one seed: its plan, and its story where it fails (or with --story)
  --seeds A..B      a range
  --fresh N         N seeds that were never run before
  --minutes M       fresh seeds for so long
  --planted NAME    hunts for a bug that was planted on purpose, or for all of them by \`all\`
  --plan FILE       one plan from a file; --save FILE writes the plan that a failing seed was cut down to
  --keep-going      does not stop at the first seed that fails, and names them all
  --workers N       processes side by side; as many as there are processors if absent
  --report FILE     writes the figures as JSON
`;

const { values } = readArguments(usage, () =>
  parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      fresh: { type: 'string' },
      minutes: { type: 'string' },
      planted: { type: 'string' },
      plan: { type: 'string' },
      save: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      workers: { type: 'string', default: String(availableParallelism()) },
      report: { type: 'string' },
      story: { type: 'boolean', default: false },
    },
  }),
);

/** Seeds are small whole numbers, so that they can be read out. */
const freshSeed = () => randomInt(1_000_000, 1_000_000_000);
const workers = Number(values.workers);
const progressSeeds = 1_000;

process.exitCode = (await main()) ? 0 : 1;

function main(): Promise<boolean> {
  if (values.planted !== undefined && values.seed === undefined) return huntPlanted(values.planted);
  const variant = values.planted === undefined ? undefined : findVariant(values.planted);
  if (values.plan !== undefined)
    return runOne(JSON.parse(readFileSync(values.plan, 'utf8')) as Plan, variant);
  if (values.seed !== undefined) return runOne(drawPlan(Number(values.seed)), variant);
  return runMany(seedsAsked());
}

function seedsAsked(): () => number | undefined {
  if (values.minutes !== undefined) {
    const endMs = performance.now() + Number(values.minutes) * 60_000;
    return () => (performance.now() < endMs ? freshSeed() : undefined);
  }
  if (values.fresh !== undefined) {
    let left = Number(values.fresh);
    const first = freshSeed();
    return () => (left-- > 0 ? first + left : undefined);
  }
  const [from, to] = (values.seeds ?? '1..100').split('..').map(Number);
  if (from === undefined || to === undefined || !(from <= to))
    refuse(`--seeds wants a range such as 1..100, not "${values.seeds}"`);
  let seed = from;
  return () => (seed <= to ? seed++ : undefined);
}

async function runMany(nextSeed: () => number | undefined): Promise<boolean> {
  const figures = new Figures();
  const failed: number[] = [];
  await runPool({
    workers,
    next: (): Order | undefined => {
      const seed = nextSeed();
      return seed === undefined ? undefined : { seed };
    },
    done: (done) => {
      figures.add(done);
      if (figures.seeds % progressSeeds === 0) process.stderr.write(`${figures.seeds} seeds\n`);
      if (done.violation === null) return true;
      failed.push(done.seed);
      process.stderr.write(`seed ${done.seed}: ${done.violation.what}\n`);
      return values['keep-going'];
    },
  });
  console.log(figures.inWords());
  if (values.report !== undefined)
    writeFileSync(values.report, `${JSON.stringify(figures.asJson(), null, 2)}\n`);
  const [first] = failed;
  if (first !== undefined) {
    if (failed.length > 1) console.log(`FAILED: seeds ${failed.join(', ')}. The first of them:`);
    await runOne(drawPlan(first), undefined);
    return false;
  }
  const idle = checkFigures(figures);
  if (idle.length > 0)
    console.log(`FAILED: the run never had: ${idle.join(', ')}. It proves nothing about them.`);
  return idle.length === 0;
}

/** One plan in this process; where it fails it is cut down, and its story told. */
async function runOne(plan: Plan, variant: Variant | undefined): Promise<boolean> {
  const run = (each: Plan): Promise<Outcome> => simulate({ plan: each, ...(variant && { variant }) });
  const outcome = await run(plan);
  const { violation } = outcome;
  console.log(`seed ${plan.seed}${variant === undefined ? '' : ` of the variant "${variant.name}"`}`);
  if (violation === null) {
    console.log(inWords(plan));
    if (values.story) console.log(outcome.story.join('\n'));
    console.log(
      `passed: ${outcome.events} events, ${outcome.virtualMs / 1_000} s of virtual time, trace ${outcome.hash}`,
    );
    return true;
  }
  console.log(`FAILED by ${violation.invariant}: ${violation.what}`);
  const shrunk = await shrink(plan, failsBy(violation.invariant, run));
  const last = await run(shrunk.plan);
  console.log(`\nCut down in ${shrunk.runs} runs:\n${inWords(shrunk.plan)}`);
  console.log(`\n${last.violation?.what}\n\n${last.story.join('\n')}`);
  console.log(
    `\nAgain: npm run sim -- --seed ${plan.seed}${variant === undefined ? '' : ` --planted ${variant.name}`}`,
  );
  if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(shrunk.plan, null, 2)}\n`);
  return false;
}

function inWords(plan: Plan): string {
  const { actions, rates, lostAnswers, tenants, seed: _, ...rest } = plan;
  return [
    `drawn: ${JSON.stringify(rest)}`,
    ...tenants.map((tenant) => `tenant: ${JSON.stringify(tenant)}`),
    `rates: ${ratesInWords(rates)}`,
    `lost answers of the store: ${ratesInWords(lostAnswers)}`,
    `actions: ${actions.length}`,
  ].join('\n');
}

function ratesInWords(rates: Readonly<Record<string, number>>): string {
  const on = Object.entries(rates).filter(([, rate]) => rate > 0);
  return on.map(([name, rate]) => `${name} ${rate}`).join(', ') || 'none';
}

async function huntPlanted(name: string): Promise<boolean> {
  const hunted = name === 'all' ? variants : [findVariant(name)];
  const [from, to] = (values.seeds ?? '1..2000').split('..').map(Number);
  const range = { from: from ?? 1, to: to ?? 2_000, workers };
  const found: Found[] = [];
  for (const variant of hunted) {
    const each = await hunt(variant, range);
    found.push(each);
    const how =
      each.seed === null
        ? 'NOT FOUND'
        : `found by ${each.invariant} at seed ${each.seed}, after ${each.after} seeds`;
    console.log(`${each.name.padEnd(32)} ${how}`);
  }
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(found, null, 2)}\n`);
  return found.every(({ seed }) => seed !== null);
}

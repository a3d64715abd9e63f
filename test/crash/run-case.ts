/**
 * Runs the cases, each on a stage of its own, a few towns side by side, and judges what came of each: by what the
 * look-alike saw and by the rows, never by what the server says of itself alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CrashPoint, crashPoints } from '#core/ports/crash-points.ts';
import { judge, lookIntoFile } from '../proof/verdict.ts';
import { type CrashCase, cases, type Expected, usual } from './cases.ts';
import { scenes } from './scenes.ts';
import { Stage } from './stage.ts';
import { CrashTown } from './town.ts';

export interface Outcome {
  point: CrashPoint;
  /** What is true at the point. */
  means: string;
  scene: string;
  where: string | null;
  arrival: number;
  /** Times that the process died there. */
  hits: number;
  said: number;
  answered: number;
  held: number;
  modelCalls: number;
  flags: string[];
  commandDone: boolean | null;
  seconds: number;
  /** What was not as it must be; empty where all was well. */
  problems: string[];
}

/** After so many there is no need to wait for the others. */
const failuresMax = 6;

export interface Planned extends CrashCase {
  point: CrashPoint;
}

export const planned: readonly Planned[] = Object.entries(cases).flatMap(([point, each]) =>
  each.map((one) => ({ ...one, point: point as CrashPoint })),
);

/** Runs all and returns what came of each, in their order; a town in which something went wrong is not used again. */
export async function runCases(all: readonly Planned[], townsMax: number): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(all.length);
  const waiting = [...all.entries()];
  let failures = 0;
  const cacheFolder = mkdtempSync(join(tmpdir(), 'nightdesk-crash-'));
  const live = async () => {
    let town: CrashTown | null = null;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, plan] = next;
      const outcome = newOutcome(plan);
      outcomes[index] = outcome;
      if (failures >= failuresMax) {
        outcome.problems.push(`not run: ${failures} others went wrong, which says enough`);
        continue;
      }
      town ??= await CrashTown.open(cacheFolder);
      await runCase(town, plan, index, outcome);
      if (outcome.problems.length === 0) continue;
      failures += 1;
      await town.close({ keepFolder: true });
      town = null;
    }
    await town?.close({ keepFolder: false });
  };
  await Promise.all(Array.from({ length: townsMax }, live));
  rmSync(cacheFolder, { recursive: true });
  return outcomes;
}

function newOutcome({ point, scene, arrival = 1, where }: Planned): Outcome {
  return {
    ...{ point, scene, where: where ?? null, arrival },
    means: crashPoints[point],
    ...{ hits: 0, said: 0, answered: 0, held: 0, modelCalls: 0, flags: [], commandDone: null },
    seconds: 0,
    problems: [],
  };
}

async function runCase(town: CrashTown, plan: Planned, index: number, outcome: Outcome): Promise<void> {
  const { point, scene, arrival = 1 } = plan;
  const stage = new Stage(town, { point, arrival }, index);
  const startedMs = performance.now();
  const deathsBefore = town.deaths.length;
  try {
    await scenes[scene](stage);
    await stage.quiet();
    await look(stage, outcome);
    outcome.problems.push(...differences({ ...usual, ...plan.expect }, outcome));
  } catch (error) {
    outcome.problems.push(error instanceof Error ? error.message : String(error));
  }
  outcome.hits = town.deaths.slice(deathsBefore).filter((each) => each === point).length;
  outcome.seconds = Math.round(performance.now() - startedMs) / 1_000;
  if (outcome.hits !== 1) outcome.problems.push(`the process died there ${outcome.hits} times`);
}

/** Puts into the outcome what is seen, and what must not be anywhere. */
async function look(stage: Stage, outcome: Outcome): Promise<void> {
  const { simulator, server } = stage.town;
  const { accepted } = simulator.meta;
  const verdict = await judge(stage.said, accepted, lookIntoFile(server.databasePath));
  const audit = await stage.command<{ missingCount: number; underWay: number; provenDuplicates: number }>(
    'audit',
    { days: 1 },
  );
  const token = stage.said[0]?.text?.match(/<[^>]+>/)?.[0] ?? 'nothing was said';
  const calls = await simulator.control.modelCalls(10_000);
  outcome.said = verdict.said;
  outcome.answered = verdict.answered;
  outcome.held = verdict.held;
  outcome.modelCalls = calls.filter(({ texts }) => texts.some((text) => text.includes(token))).length;
  outcome.flags = stage.flagsOpen();
  outcome.commandDone = stage.commandDone;
  const never = {
    'answered twice': verdict.answeredTwice,
    'answered out of order': verdict.outOfOrder,
    'neither answered nor held': verdict.lost,
    'not acknowledged':
      verdict.acknowledged === verdict.said ? [] : [`${verdict.said - verdict.acknowledged}`],
    'sent twice': repeated(accepted.flatMap(({ opaque }) => opaque ?? [])),
    'missing in the audit': audit.missingCount === 0 ? [] : [`${audit.missingCount}`],
    'under way in the audit': audit.underWay === 0 ? [] : [`${audit.underWay}`],
    'proven duplicates': audit.provenDuplicates === 0 ? [] : [`${audit.provenDuplicates}`],
  };
  for (const [what, which] of Object.entries(never))
    if (which.length > 0) outcome.problems.push(`${what}: ${which.join(', ')}`);
}

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}

function differences(expected: Expected, outcome: Outcome): string[] {
  const {
    modelCalls: [least, most],
    ...others
  } = expected;
  const found = Object.entries(others)
    .filter(([key, value]) => JSON.stringify(outcome[key as keyof Outcome]) !== JSON.stringify(value))
    .map(
      ([key, value]) =>
        `${key} is ${JSON.stringify(outcome[key as keyof Outcome])}, expected ${JSON.stringify(value)}`,
    );
  if (outcome.modelCalls < least || outcome.modelCalls > most)
    found.push(`the model was asked ${outcome.modelCalls} times, expected ${least} to ${most}`);
  return found;
}

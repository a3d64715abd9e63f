/**
 * Deaths of a real server on a real file, at every crash point, with the look-alikes of Meta and of the model on real
 * sockets. With `CRASH_REPORT` set to the name of a file, what came of each death is written there as JSON.
 */
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { crashPoints } from '#core/ports/crash-points.ts';
import { type Outcome, planned, runCases } from './run-case.ts';

/** A start takes most of a processor for most of a case; more towns than this only wait for each other. */
const townsMax = 3;

let outcomes: Outcome[] = [];

beforeAll(async () => {
  outcomes = await runCases(planned, townsMax);
  const { CRASH_REPORT: file } = process.env;
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(outcomes, null, 2)}\n`);
}, 900_000);

describe('I1 I3 I5 I9 I11 every acknowledged message has its answer once, or is held and flagged', () => {
  const titled = planned.map(({ point, scene, arrival = 1 }, index) => ({ point, scene, arrival, index }));
  test.each(titled)('dead at $point in $scene, arrival $arrival', ({ index }) => {
    expect(outcomes[index]?.problems).toEqual([]);
  });
});

test('every crash point was hit', () => {
  const hit = new Set(outcomes.filter(({ hits }) => hits > 0).map(({ point }) => point));
  expect(Object.keys(crashPoints).filter((point) => !hit.has(point as Outcome['point']))).toEqual([]);
});

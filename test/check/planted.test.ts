/**
 * Each planted mistake is found by the rule that it breaks, and the same dialog without it passes. The checker does not know
 * these dialogs: a rule that finds its mistake only here would be worth nothing, so the last test reads the checker's code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkDialog } from '#core/dialog/check/check.ts';
import type { RuleName } from '#core/dialog/check/finding.ts';
import * as deadEnd from './planted/dead-end.ts';
import * as goesRound from './planted/goes-round.ts';
import * as migrationHole from './planted/migration-hole.ts';
import * as missingFailureExit from './planted/missing-failure-exit.ts';
import * as missingVoiceBranch from './planted/missing-voice-branch.ts';
import * as optionWithoutHandler from './planted/option-without-handler.ts';
import * as paidBySecondTap from './planted/paid-by-second-tap.ts';
import * as paidTwice from './planted/paid-twice.ts';
import * as silentMove from './planted/silent-move.ts';
import * as timerWithoutExit from './planted/timer-without-exit.ts';
import * as neverComes from './planted/transition-that-never-comes.ts';
import * as unreachableState from './planted/unreachable-state.ts';

const planted = {
  'missing failure exit': [missingFailureExit, 'busyExit', 'drawing'],
  'missing voice branch': [missingVoiceBranch, 'unanswered', 'asking'],
  'paid work reachable twice from one tap': [paidTwice, 'paidTwice', 'draw'],
  'paid work started again while it runs': [paidBySecondTap, 'paidTwice', 'draw'],
  'dead end': [deadEnd, 'deadEnd', 'paying'],
  'a way that only goes round': [goesRound, 'deadEnd', 'retry, sure'],
  'unreachable state': [unreachableState, 'unreachable', 'second'],
  'timer without exit': [timerWithoutExit, 'timer', 'asking'],
  'button without handler': [optionWithoutHandler, 'option', 'style'],
  'migration hole': [migrationHole, 'migration', 'colour of version 1'],
  'silent move': [silentMove, 'silence', 'city'],
  'event that never comes': [neverComes, 'neverTaken', 'where on loction'],
} as const satisfies Record<string, readonly [object, RuleName, string]>;

const errorsOf = (dialog: Parameters<typeof checkDialog>[0]) =>
  checkDialog(dialog).report.findings.filter(({ severity }) => severity === 'error');

test.each(Object.entries(planted))(
  '%s: is found, and told with a chat',
  (_name, [{ faulty }, rule, where]) => {
    const errors = errorsOf(faulty);
    expect(errors.map((each) => [each.rule, each.where])).toEqual([[rule, where]]);
    expect(checkDialog(faulty).report.isProven).toBe(false);
    const needsNoChat = ['unreachable', 'migration', 'neverTaken'].includes(rule);
    expect(errors[0]?.transcript.length ?? 0, errors[0]?.says).toBeGreaterThanOrEqual(needsNoChat ? 0 : 1);
  },
);

test.each(Object.entries(planted))('%s: its sound twin passes', (_name, [{ sound }]) => {
  const { report } = checkDialog(sound);
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ isProven: true, bounds: [] });
});

test('the checker names no planted dialog', () => {
  const folder = new URL('../../src/core/dialog/check/', import.meta.url);
  const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const names = Object.values(planted).map(([{ faulty }]) => faulty.name);
  expect(names.filter((name) => new RegExp(`['"\`]${name}['"\`]`).test(code))).toEqual([]);
});

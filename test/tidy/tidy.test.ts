/**
 * The style as a machine checks it. Each rule prints where, why, and what to write instead. That the rules bite is
 * proven in `rules.test.ts`; exceptions stand in `allowed.ts`.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkCallExceptions, checkCalls } from './calls.ts';
import { checkDeadFiles } from './dead-files.ts';
import { checkLinks, checkMentions, checkNpmScripts } from './docs.ts';
import { checkLayers } from './layers.ts';
import { checkFileSizes, checkFunctionSizes, checkSizeExceptions } from './sizes.ts';
import { type Rule, readTree, tell } from './tree.ts';
import { checkWords } from './words.ts';
import { checkWorkplace } from './workplace.ts';

const tree = readTree(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));

const rules: [string, Rule][] = [
  ['folders import only from below', checkLayers],
  ['time, chance and the network are passed in, and tests do not wait', checkCalls],
  ['one word for each concept, and no promises', checkWords],
  ['files tell one story', checkFileSizes],
  ['functions fit on one screen', checkFunctionSizes],
  ['every file is reached', checkDeadFiles],
  ['links lead somewhere', checkLinks],
  ['what documents mention exists', checkMentions],
  ['few npm scripts, each described', checkNpmScripts],
  ['nothing speaks of a machine or a note outside the project', checkWorkplace],
  ['exceptions for calls are needed', checkCallExceptions],
  ['exceptions for sizes are needed', checkSizeExceptions],
];

test.each(rules)('%s', (_name, rule) => {
  expect(tell(rule(tree))).toBe('');
});

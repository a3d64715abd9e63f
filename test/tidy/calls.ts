/**
 * The calls that make a run unrepeatable, and what is passed in instead. In tests only waiting is banned: a test moves
 * the clock or waits for a signal. In the phone page, which is drawn for a person in real time, what is shown goes by the
 * simulator's clock, and requests go by the page's own doors.
 */
import { allowedCalls, isAllowed } from './allowed.ts';
import { lineAt, type Rule, scriptsUnder } from './tree.ts';

interface BannedCall {
  name: string;
  pattern: RegExp;
  instead: string;
  /** Where it is banned; `src/` alone if absent. */
  inTestsToo?: true;
  /** Banned in the phone page as well; what to write there. */
  inPage?: string;
}

/** A name of the platform, not a property of something else and not the key of an object. */
const platform = (name: string) =>
  new RegExp(`(?<![.\\w$])(globalThis\\s*\\.\\s*)?${name}\\b(?!\\s*\\??:)`, 'g');
const clock = 'clock.nowMs(), passed in';
const timers = 'timers.after() or timers.soon(), passed in; in a test move the clock or wait for a signal';
const chance = 'random(), passed in';
const pageClock = 'simulatedNowMs() of data/clock.ts';
const pageChance = 'crypto.getRandomValues()';
const pageDoors = 'call() of data/control.ts, or a function beside it';

const bannedCalls: BannedCall[] = [
  { name: 'Date.now', pattern: /\bDate\s*\.\s*now\b/g, instead: clock, inPage: pageClock },
  { name: 'new Date()', pattern: /\bnew\s+Date\s*(\(\s*\)|(?![\s(\w]))/g, instead: clock, inPage: pageClock },
  {
    name: 'performance.now',
    pattern: /\bperformance\s*\.\s*now\b/g,
    instead: 'clock.monotonicMs(), passed in',
  },
  { name: 'hrtime', pattern: /\bhrtime\b/g, instead: 'clock.monotonicMs(), passed in' },
  {
    name: 'Math.random',
    pattern: /\bMath\s*\.\s*random\b/g,
    instead: chance,
    inTestsToo: true,
    inPage: pageChance,
  },
  { name: 'setTimeout', pattern: platform('setTimeout'), instead: timers, inTestsToo: true },
  { name: 'setInterval', pattern: platform('setInterval'), instead: timers, inTestsToo: true },
  { name: 'setImmediate', pattern: platform('setImmediate'), instead: timers },
  { name: 'queueMicrotask', pattern: platform('queueMicrotask'), instead: timers },
  { name: 'sleep', pattern: platform('sleep(?=\\s*\\()'), instead: timers, inTestsToo: true },
  {
    name: 'AbortSignal.timeout',
    pattern: /\bAbortSignal\s*\.\s*timeout\b/g,
    instead: timers,
    inTestsToo: true,
  },
  { name: 'randomUUID', pattern: /\brandomUUID\b/g, instead: chance },
  {
    name: 'randomBytes',
    pattern: /\brandom(Bytes|Int|Fill|FillSync)\b|\bgetRandomValues\b/g,
    instead: chance,
  },
  {
    name: 'fetch',
    pattern: /(?<![.\w$])fetch\s*\(|(?<!typeof\s+)\bglobalThis\s*\.\s*fetch\b/g,
    instead: 'http.request(), passed in',
    inPage: pageDoors,
  },
  {
    name: 'process.env',
    pattern: /\bprocess\s*\.\s*env\b/g,
    instead: 'an option; only the runtime and the CLI read it',
  },
];

const timersModule = /^timers(\/promises)?$/;
const readsEnvironment = /^src\/(runtime|surface\/cli)\//;

export const checkCalls: Rule = (tree) =>
  scriptsUnder(tree, 'src/', 'phone/', 'test/', 'bench/', 'scripts/')
    .filter(({ path }) => !path.startsWith('test/tidy/'))
    .flatMap((file) => callsIn(file.path, file.text, file.code))
    .filter(({ path, call }) => !isAllowed(allowedCalls, path, call));

/** Exceptions that excuse nothing. */
export const checkCallExceptions: Rule = (tree) => {
  const calls = scriptsUnder(tree, 'src/', 'phone/', 'test/', 'bench/', 'scripts/').flatMap((file) =>
    callsIn(file.path, file.text, file.code),
  );
  return allowedCalls
    .filter((exception) => exception.mayBeUnused === undefined)
    .filter((exception) => !calls.some(({ path, call }) => isAllowed([exception], path, call)))
    .map(({ path }) => ({
      path: 'test/tidy/allowed.ts',
      line: 1,
      what: `excuses calls of ${path}`,
      reason: 'there is nothing left to excuse',
      instead: 'remove the entry',
    }));
};

function becauseOf(path: string): string {
  if (path.startsWith('src/'))
    return 'time, chance and the network are passed in, so that a simulation with a seed can put its own in their place';
  return path.startsWith('phone/')
    ? 'the clock may be jumped, and one place knows how to reach the simulator'
    : 'a test that waits is slow when it works and wrong when the machine is busy';
}

/** What is banned there, and what to write in its place. */
function bannedIn(path: string): BannedCall[] {
  if (path.startsWith('phone/'))
    return bannedCalls.flatMap((call) =>
      call.inPage === undefined ? [] : [{ ...call, instead: call.inPage }],
    );
  const isTest = !path.startsWith('src/');
  return bannedCalls
    .filter(({ inTestsToo }) => !isTest || inTestsToo)
    .filter(({ name }) => name !== 'process.env' || !readsEnvironment.test(path));
}

function callsIn(path: string, text: string, code: string) {
  const because = becauseOf(path);
  const found = bannedIn(path).flatMap(({ name, pattern, instead }) =>
    [...code.matchAll(pattern)].map(({ index }) => ({
      path,
      line: lineAt(text, index),
      call: name,
      what: `uses ${name}`,
      reason: because,
      instead,
    })),
  );
  for (const match of text.matchAll(/from 'node:([^']+)'/g)) {
    if (!timersModule.test(match[1]!)) continue;
    const line = lineAt(text, match.index);
    found.push({
      path,
      line,
      call: 'setTimeout',
      what: 'imports node:timers',
      reason: because,
      instead: timers,
    });
  }
  return found;
}

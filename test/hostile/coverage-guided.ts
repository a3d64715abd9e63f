/**
 * A search for bodies that the webhook station mishandles, led by the code it runs: an input that makes a function of
 * `src/pipeline/webhook` take a way that none before has taken is kept, and later inputs are made from what was kept. It
 * begins with the recorded webhooks. What it finds wrong it prints with its bytes, and ends with exit code 1.
 *
 *   node --conditions=nightdesk-source test/hostile/coverage-guided.ts [--inputs N | --minutes M] [--seed S] [--report FILE]
 *
 * The same seed and number of inputs give the same run. Ways are told by V8's own precise coverage.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '#testing/fake-world.ts';
import { fixtureNames, fixtureText } from '../webhook/fixtures.ts';
import type { FuzzingFigures } from './fuzzing-figures.ts';
import { trouble } from './generators.ts';
import { faultOf } from './oracle.ts';

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '20000' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    report: { type: 'string' },
  },
});

/** Longer inputs are cut: they run slowly and say nothing new. */
const bytesMax = 8 * 1024;
const inputsMax = options.minutes === undefined ? Number(options.inputs) : Number.POSITIVE_INFINITY;
const untilMs = performance.now() + Number(options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
const random = seededRandom(Number(options.seed));
const below = (count: number) => Math.floor(random() * count);
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;

/** Ways that functions have taken: which blocks of each did not run, and about how often it did. */
class Coverage {
  readonly #session = new Session();
  readonly #ways = new Set<string>();

  get ways(): number {
    return this.#ways.size;
  }

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many ways of the last input are new. */
  async take(): Promise<number> {
    const before = this.#ways.size;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!url.includes('/pipeline/webhook/')) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        const skipped = ranges.filter(({ count }) => count === 0).map(({ startOffset }) => startOffset);
        const often = Math.min(4, Math.ceil(Math.log2(whole.count + 1)));
        this.#ways.add(`${url} ${whole.startOffset} ${often} ${skipped.join()}`);
      }
    }
    return this.#ways.size - before;
  }
}

const fixtures = fixtureNames.map(fixtureText);
/** Words that the code may know: every string of the recorded webhooks, and those of Meta's that none of them shows. */
const words = [
  ...new Set(fixtures.flatMap((text) => text.match(/"[^"\\]{1,60}"/g) ?? [])),
  ...trouble,
  ...[
    '"wacid.1"',
    '"played"',
    '"group"',
    '"BUSINESS_INITIATED"',
    '"new_wa_id"',
    '"customer"',
    '"changed_user_id"',
  ],
];

const numbers = ['-1', '0', '1', '7.5', '1e400', '131052', '1794000000', '1e-400', '9007199254740993'];

type Change = (text: string, kept: readonly string[]) => string;

/** From one place to another, a little further on. */
function cutOf(text: string): [from: number, to: number] {
  const from = below(text.length + 1);
  return [from, Math.min(text.length, from + below(40))];
}

/** Where a value or a key stands, quotes and all. */
function tokenOf(
  text: string,
  token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g,
): [number, number] {
  const tokens = [...text.matchAll(token)];
  if (tokens.length === 0) return cutOf(text);
  const { index, 0: found } = oneOf(tokens);
  return [index, index + found.length];
}

/** An object from its opening to its closing brace; braces inside strings may mislead it, as may a text that is no JSON. */
function objectOf(text: string): [from: number, to: number] {
  const from = text.indexOf('{', below(text.length + 1));
  let depth = 0;
  for (let at = Math.max(0, from); at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return [from, at + 1];
  }
  return [text.length, text.length];
}

const replaced = (text: string, [from, to]: [number, number], by: string) =>
  text.slice(0, from) + by + text.slice(to);

const changes: readonly Change[] = [
  (text) => replaced(text, tokenOf(text), oneOf(words)),
  (text) => replaced(text, tokenOf(text), oneOf(words)),
  (text) => replaced(text, tokenOf(text), oneOf(trouble)),
  (text) => replaced(text, tokenOf(text, /(?<=:\s*)-?\d[\d.eE+-]*/g), oneOf(numbers)),
  (text) => replaced(text, cutOf(text), ''),
  (text) => replaced(text, cutOf(text), String.fromCharCode(below(0x1_00_00))),
  (text) => replaced(text, [below(text.length), text.length], ''),
  // A key once more in front of the same key, or a part of the body once more beside itself.
  (text) => {
    const [from, to] = tokenOf(text);
    return replaced(text, [from, from], `${text.slice(from, to)}${oneOf([':', ','])}${oneOf(words)},`);
  },
  // An object of another input in the place of a value, or of an object.
  (text, kept) => {
    const other = oneOf(kept);
    return replaced(text, oneOf([tokenOf, objectOf])(text), other.slice(...objectOf(other)));
  },
  // One more element of a list.
  (text) => {
    const [from, to] = objectOf(text);
    return replaced(text, [to, to], `,${text.slice(from, to)}`);
  },
  (text) => {
    const [from, to] = tokenOf(text);
    return replaced(text, [from, to], `[${text.slice(from, to)},${text.slice(from, to)}]`);
  },
];

function childOf(kept: readonly string[]): string {
  // The newest are the least explored.
  const parent = random() < 0.5 ? oneOf(kept) : oneOf(kept.slice(-50));
  let text = parent;
  for (let count = 1 + below(4); count > 0; count--) text = oneOf(changes)(text, kept);
  return text.slice(0, bytesMax);
}

const kept = [...fixtures];
const coverage = new Coverage();
await coverage.start();
for (const text of fixtures) {
  await faultOf(Buffer.from(text));
  await coverage.take();
}
const waysAtStart = coverage.ways;

const faults: string[] = [];
let inputs = 0;
for (; inputs < inputsMax && performance.now() < untilMs && faults.length < 5; inputs++) {
  const text = childOf(kept);
  const bytes = Buffer.from(text);
  const fault = await faultOf(bytes).catch((error: unknown) => `it threw ${String(error)}`);
  if (fault !== null) faults.push(`${fault}: base64 ${bytes.toString('base64')}`);
  if ((await coverage.take()) > 0) kept.push(text);
}

const figures: FuzzingFigures = {
  seed: Number(options.seed),
  inputs,
  recorded: fixtures.length,
  waysAtStart,
  waysNew: coverage.ways - waysAtStart,
  inputsKept: kept.length - fixtures.length,
  faults,
};
process.stdout.write(
  `seed ${figures.seed}: ${inputs} inputs, ${waysAtStart} ways of ${figures.recorded} recorded webhooks, ` +
    `${figures.waysNew} new ones of ${figures.inputsKept} inputs kept, ${faults.length} faults\n`,
);
if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(figures, null, 2)}\n`);
for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;

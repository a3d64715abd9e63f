/**
 * Two days side by side: did each customer get the same answers in the same order? Times and ids may differ. Where they
 * do not, the differences are told by conversation, each with what the customer had said before.
 */
import { describeMessage } from '../story/sights.ts';
import type { Day, DaySend } from './day.ts';

export interface Difference {
  /** Who got it, and from which number. */
  contact: string;
  number: string;
  kind: 'missing' | 'additional' | 'changed';
  expected: string | null;
  got: string | null;
  /** What the customer had said last before it; null where nothing. */
  after: string | null;
}

interface Answer {
  words: string;
  after: string | null;
}

/** `contactIds` leads from the contacts of the second day to those of the first; the same ids if absent. */
export function compareDays(
  expected: Day,
  got: Day,
  contactIds: ReadonlyMap<string, string> = new Map(),
): Difference[] {
  const before = answersOf(expected, (id) => id);
  const after = answersOf(got, (id) => contactIds.get(id) ?? id);
  const names = namesOf(expected);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [phoneNumberId = '', contactId = ''] = key.split('|');
    const who = { contact: names.get(contactId) ?? contactId, number: numberName(expected, phoneNumberId) };
    return differencesIn(before.get(key) ?? [], after.get(key) ?? []).map((found) => ({ ...who, ...found }));
  });
}

export function explainDifferences(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'The same answers came.';
  const lines = differences.map(({ contact, number, kind, expected, got, after }) => {
    const where = `${contact} at ${number}, ${after === null ? 'before a word of theirs' : `after “${after}”`}`;
    if (kind === 'missing') return `${where}: did not get ${expected}`;
    if (kind === 'additional') return `${where}: also got ${got}`;
    return `${where}: got ${got} instead of ${expected}`;
  });
  const count = differences.length === 1 ? '1 answer differs' : `${differences.length} answers differ`;
  return [`${count} from the recorded day:`, ...lines].join('\n');
}

function numberName({ header }: Day, id: string): string {
  return header.numbers.find((number) => number.id === id)?.name ?? id;
}

function namesOf({ header, lines }: Day): Map<string, string> {
  const made = lines.flatMap((line) => (line.kind === 'act' && line.contact !== null ? [line.contact] : []));
  return new Map([...header.contacts, ...made].map(({ id, name }) => [id, name]));
}

/** What each conversation was sent, by number and contact. */
function answersOf(day: Day, contactIdOf: (id: string) => string): Map<string, Answer[]> {
  const answers = new Map<string, Answer[]>();
  const lastWords = new Map<string, string>();
  for (const line of day.lines) {
    if (line.kind === 'act') {
      for (const { phoneNumberId, contactId, words } of line.said)
        lastWords.set(`${phoneNumberId}|${contactIdOf(contactId)}`, words);
    } else if (line.kind === 'send' && line.contactId !== null) {
      const key = `${line.phoneNumberId}|${contactIdOf(line.contactId)}`;
      const list = answers.get(key) ?? [];
      list.push({ words: wordsOf(line), after: lastWords.get(key) ?? null });
      answers.set(key, list);
    }
  }
  return answers;
}

const wordsOf = ({ type, text, body }: DaySend): string =>
  describeMessage({ type, text, body } as Parameters<typeof describeMessage>[0]);

type Found = Omit<Difference, 'contact' | 'number'>;

/** What must be changed in `before` to get `after`; a removal beside an addition is one change. */
function differencesIn(before: readonly Answer[], after: readonly Answer[]): Found[] {
  const common = commonLengths(before, after);
  const found: Found[] = [];
  let [b, a] = [0, 0];
  while (b < before.length || a < after.length) {
    const expected = before[b];
    const got = after[a];
    if (expected !== undefined && got !== undefined && expected.words === got.words) {
      b += 1;
      a += 1;
      continue;
    }
    const withoutExpected = expected === undefined ? -1 : common[b + 1]![a]!;
    const withoutGot = got === undefined ? -1 : common[b]![a + 1]!;
    const withoutBoth = expected === undefined || got === undefined ? -1 : common[b + 1]![a + 1]!;
    if (withoutBoth >= withoutExpected && withoutBoth >= withoutGot) {
      found.push({ kind: 'changed', expected: expected!.words, got: got!.words, after: expected!.after });
      b += 1;
      a += 1;
    } else if (withoutExpected >= withoutGot) {
      found.push({ kind: 'missing', expected: expected!.words, got: null, after: expected!.after });
      b += 1;
    } else {
      found.push({ kind: 'additional', expected: null, got: got!.words, after: got!.after });
      a += 1;
    }
  }
  return found;
}

/** For each pair of places the length of the longest common sequence behind them. */
function commonLengths(before: readonly Answer[], after: readonly Answer[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  for (let b = before.length - 1; b >= 0; b -= 1)
    for (let a = after.length - 1; a >= 0; a -= 1)
      lengths[b]![a] =
        before[b]!.words === after[a]!.words
          ? lengths[b + 1]![a + 1]! + 1
          : Math.max(lengths[b + 1]![a]!, lengths[b]![a + 1]!);
  return lengths;
}

/**
 * Walks the table of a lifecycle's page: for every state and every input a fresh store is brought into the state, gets
 * the input, and is looked at with SQL. What is found must be what the page says. So a page cannot say what the code
 * does not do, the code cannot change behind the page, and no cell is left to the imagination.
 */
import { describe, expect, test } from 'vitest';
import { isFault } from '#core/model/faults.ts';
import { type Cell, readPage } from './page.ts';
import { openStage, type Row, type Stage } from './stage.ts';
import { unmetStatements } from './statements.ts';

/** Thrown where a state or an input cannot be brought about at all; only a cell that cannot happen may do so. */
export class Untried extends Error {}

export interface Attempt<Subject, Given> {
  /** What the states' ways shall prepare for this input. */
  given?: Given;
  /** States in which this variant is tried; all where it is absent. */
  only?: readonly string[];
  apply(stage: Stage, subject: Subject): Promise<unknown>;
}

/** Brings a fresh store into the state, through the store's port alone. @throws Untried */
export type Way<Subject, Given> = (stage: Stage, given: Given) => Promise<Subject>;

export interface Lifecycle<Subject, Given extends object> {
  page: string;
  table: string;
  states: Readonly<Record<string, Way<Subject, Partial<Given>> | Way<Subject, Partial<Given>>[]>>;
  inputs: Readonly<Record<string, Attempt<Subject, Partial<Given>> | Attempt<Subject, Partial<Given>>[]>>;
  /** What SQL finds. */
  stateOf(stage: Stage, subject: Subject): string;
  rowOf(stage: Stage, subject: Subject): Row | undefined;
  /** What else the step did, in the words of the page's marks. */
  marksOf?(before: Row | undefined, after: Row | undefined): string[];
}

/** What the ways shall prepare, less what this way does itself. */
export function without<Given extends object>(given: Given, ...keys: (keyof Given)[]): Given {
  const rest = { ...given };
  for (const key of keys) delete rest[key];
  return rest;
}

const listOf = <T>(one: T | T[]): T[] => (Array.isArray(one) ? one : [one]);

export function walk<Subject, Given extends object>(lifecycle: Lifecycle<Subject, Given>): void {
  const table = readPage(lifecycle.page).table(lifecycle.table);
  describe(`${lifecycle.page}.md, table "${lifecycle.table}"`, () => {
    test('the page names every state and every input once', () => {
      expect(table.states).toEqual(Object.keys(lifecycle.states));
      expect(table.rows.map((row) => row.input)).toEqual(Object.keys(lifecycle.inputs));
    });
    for (const { input, cells } of table.rows)
      for (const [index, state] of table.states.entries())
        test(`${input}: ${state} -> ${cells[index]?.text}`, () =>
          tryCell(lifecycle, { input, state, cell: cells[index]! }));
  });
}

/** The page's table meets every statement of the store that writes `table` and, where given, one of its `columns`. */
export function walksEveryStatement(table: string, columns?: readonly string[]): void {
  test(`every statement that writes ${table} is met by an input of the page`, () => {
    expect(unmetStatements(table, columns)).toEqual([]);
  });
}

interface Tried {
  input: string;
  state: string;
  cell: Cell;
}

async function tryCell<Subject, Given extends object>(
  lifecycle: Lifecycle<Subject, Given>,
  tried: Tried,
): Promise<void> {
  const { state, input } = tried;
  const variants = listOf(lifecycle.inputs[input] ?? []).filter(({ only }) => only?.includes(state) ?? true);
  let count = 0;
  for (const attempt of variants) {
    for (const way of listOf(lifecycle.states[state] ?? [])) {
      const stage = openStage();
      try {
        await tryOne(lifecycle, tried, stage, () => way(stage, attempt.given ?? {}), attempt);
      } finally {
        await stage.close();
      }
      count += 1;
    }
  }
  expect(count, 'no variant of the input is tried in this state').toBeGreaterThan(0);
}

async function tryOne<Subject, Given extends object>(
  lifecycle: Lifecycle<Subject, Given>,
  { state, cell }: Tried,
  stage: Stage,
  reach: () => Promise<Subject>,
  attempt: Attempt<Subject, Partial<Given>>,
): Promise<void> {
  const subject = await reach().catch((error: unknown) => {
    if (cell.next === null && error instanceof Untried) return null;
    throw error;
  });
  if (subject === null) return;
  expect(lifecycle.stateOf(stage, subject), 'the state before').toBe(state);
  const before = lifecycle.rowOf(stage, subject);
  const error = await attempt.apply(stage, subject).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const after = lifecycle.rowOf(stage, subject);
  if (error instanceof TypeError) throw error;
  if (cell.next === null) {
    expect(after, 'what cannot happen was tried and changed something').toEqual(before);
  } else {
    if (error !== null && !isRefusal(error, state, cell)) throw error;
    const marks = lifecycle.marksOf?.(before, after) ?? [];
    expect([lifecycle.stateOf(stage, subject), ...marks.sort()]).toEqual([cell.next, ...cell.marks]);
  }
  await stage.assertNothingMissing();
}

/** A person may be told that what they ask for is not possible now; nothing changes then. */
function isRefusal(error: unknown, state: string, cell: Cell): boolean {
  return cell.next === state && (isFault(error, 'conflict') || isFault(error, 'notFound'));
}

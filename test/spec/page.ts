/**
 * The tables of `docs/spec`, read from their markdown. A table is named by its first heading; its other headings are
 * states, its rows inputs. A cell is the next state, `.` (nothing changes) or `!n` (cannot happen, for the reason with
 * that number below). Words behind it are marks: what else the step does. Anything else is an error of the page.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Cell {
  /** As it stands on the page. */
  text: string;
  /** The next state, or null where the cell cannot happen. */
  next: string | null;
  marks: string[];
}

export interface Table {
  states: string[];
  rows: { input: string; cells: Cell[] }[];
}

export interface Page {
  table(name: string): Table;
  /** By number, why a cell cannot happen. */
  reasons: ReadonlyMap<string, string>;
  /** Numbers that cells of any table use. */
  used: ReadonlySet<string>;
}

export const pagesFolder = resolve(import.meta.dirname, '../../docs/spec');

export function readPage(name: string): Page {
  return pageOf(readFileSync(resolve(pagesFolder, `${name}.md`), 'utf8'));
}

/** @throws Error where a table is not total or a cell is none of the three */
export function pageOf(text: string): Page {
  const tables = new Map<string, Table>();
  for (const [block] of text.matchAll(/(?:^\|.*\|$\n?)+/gm)) {
    const [head = [], , ...rows] = block.trimEnd().split('\n').map(cellsOf);
    const [name = '', ...states] = head;
    tables.set(name, { states, rows: rows.map((cells) => rowOf(cells, states)) });
  }
  const reasons = [...text.matchAll(/^- !(\d+) (.+)$/gm)].map(
    ([, number = '', why = '']) => [number, why] as const,
  );
  const texts = [...tables.values()].flatMap(({ rows }) => rows.flatMap(({ cells }) => cells));
  return {
    table(name) {
      const table = tables.get(name);
      if (table === undefined) throw new Error(`The page has no table "${name}".`);
      return table;
    },
    reasons: new Map(reasons),
    used: new Set(texts.flatMap((cell) => (cell.next === null ? [cell.text.slice(1)] : []))),
  };
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

function rowOf([input = '', ...cells]: string[], states: readonly string[]): Table['rows'][number] {
  if (cells.length !== states.length)
    throw new Error(`The row "${input}" has ${cells.length} cells for ${states.length} states.`);
  return { input, cells: cells.map((text, index) => cellOf(text, states[index] ?? '')) };
}

function cellOf(text: string, state: string): Cell {
  if (/^!\d+$/.test(text)) return { text, next: null, marks: [] };
  const [next = '', ...marks] = text.split(/,? /);
  if (!/^(\.|[A-Za-z]+)$/.test(next))
    throw new Error(`The cell "${text}" is no state, "." or "!" and a number.`);
  return { text, next: next === '.' ? state : next, marks: marks.sort() };
}

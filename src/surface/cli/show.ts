/**
 * Words and tables for a person at a terminal. What customers wrote is shown, so whatever could steer the terminal is
 * taken out. Colours only where somebody watches and NO_COLOR does not forbid them.
 */
import { styleText } from 'node:util';
import type { Finding } from '#runtime/doctor/finding.ts';

type Style = Parameters<typeof styleText>[0];

/** Text as it is, anything else as JSON for a program. */
export function show(what: unknown): void {
  process.stdout.write(`${typeof what === 'string' ? what : JSON.stringify(what, null, 2)}\n`);
}

export function paint(style: Style, text: string): string {
  const hasColours = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  return hasColours ? styleText(style, text, { validateStream: false }) : text;
}

/** Control characters, and those that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal.
const steering = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/** On one line, and harmless. */
export function plain(value: unknown): string {
  return value === null || value === undefined ? '' : String(value).replace(steering, ' ');
}

export function timeOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Columns under their heads; `empty` where there is no row. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly unknown[])[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const cells = rows.map((row) => row.map(plain));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(heads)), ...cells.map(line)].join('\n');
}

const styles: Record<Finding['status'], Style> = { ok: 'green', warn: 'yellow', fail: 'red' };

export function showFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, says, todo }) => {
    const head = `${paint(styles[status], status.padEnd(4))}  ${plain(check).padEnd(width)}  ${plain(says)}`;
    return todo === undefined ? [head] : [head, `${' '.repeat(width + 8)}-> ${plain(todo)}`];
  });
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  return [...lines, '', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed.`].join(
    '\n',
  );
}

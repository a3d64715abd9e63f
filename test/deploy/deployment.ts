/**
 * What the files under `deploy/` say, beside what the reference pages say: a file is worth nothing if it sets a variable that
 * nobody reads or asks for a metric that nobody counts. To add a kind of file, add how its names are read here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

const root = resolve(import.meta.dirname, '../..');

export const deploymentFolder = resolve(root, 'deploy');
export const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
export const filesOf = (folder: string, ending: string): string[] =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

/** @throws Error where it is no YAML, has a key twice or names an anchor that is not there */
export function documentsIn(path: string): unknown[] {
  return parseAllDocuments(read(path), { merge: true, uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw new Error(`${path}: ${problem.message}`);
    return document.toJS() as unknown;
  });
}

const cellsOf = (page: string): string[][] =>
  page.split('\n').flatMap((line) => {
    const cells = line.startsWith('| `') ? line.split('|').slice(1, -1) : [];
    return cells.length > 0 ? [cells] : [];
  });
const quotedIn = (cell = ''): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

/** Every environment variable that has a row, by the page that a reader looks it up on. */
export const documentedVariables: ReadonlySet<string> = new Set(
  cellsOf(read('docs/reference/configuration.md'))
    .flatMap(([name]) => quotedIn(name))
    .filter((name) => /^[A-Z][A-Z0-9_]+$/.test(name)),
);

/** The labels of each metric. */
export const documentedMetrics: ReadonlyMap<string, readonly string[]> = new Map(
  cellsOf(read('docs/reference/metrics.md')).flatMap(([names, labels]) =>
    quotedIn(names).map((name): [string, string[]] => [name, quotedIn(labels)]),
  ),
);

/** What Prometheus itself brings. */
const ofPrometheus: Record<string, readonly string[]> = { up: [] };
const ofEverySeries = ['job', 'instance', 'role'];

/** Metrics and labels of an expression that no reference page has. */
export function unknownIn(expression: string): string[] {
  const names = [...expression.matchAll(/\b(up|(?:nightdesk|process)_\w+)(?:\{([^}]*)\})?/g)];
  if (names.length === 0) return [`no metric at all: ${expression}`];
  const allowed = new Set(ofEverySeries);
  const unknown = names.flatMap(([, name = '', matchers = '']) => {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    const labels = ofPrometheus[name] ?? documentedMetrics.get(name) ?? documentedMetrics.get(base);
    if (labels === undefined) return [name];
    for (const label of labels) allowed.add(label);
    if (name.endsWith('_bucket')) allowed.add('le');
    const known = new Set([...ofEverySeries, ...labels]);
    return [...matchers.matchAll(/(\w+)\s*[=!]/g)].flatMap(([, label = '']) =>
      known.has(label) ? [] : [`${name}{${label}}`],
    );
  });
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, by = '']) => by.split(/, */));
  return [...unknown, ...grouped.filter((label) => !allowed.has(label)).map((label) => `by (${label})`)];
}

/** `40s` or `1m`, in milliseconds. */
export function durationMs(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 };
  const unitMs = units[unit];
  if (unitMs === undefined) throw new Error(`${text} is no duration that is understood here.`);
  return Number(count) * unitMs;
}

/**
 * Medians over rounds as tables, the aims with the figure that was reached, and all of it as JSON. An aim that compares
 * is judged by the median of the rounds' own ratios, because two figures of one round met the same state of the machine.
 * To add an aim, add it to `aimsOf`.
 */
import type { Machine } from './machine.ts';
import { median } from './statistics.ts';

export type Figures = Readonly<Record<string, number>>;

export interface Row {
  measure: string;
  subject: string;
  /** One for each round. */
  rounds: Figures[];
  /** Why there is nothing. */
  skipped?: string;
}

export interface Aim {
  name: string;
  wanted: string;
  /** NaN where it was not measured. */
  figure: number;
  reached: boolean | null;
}

export interface Report {
  machine: Machine;
  startedAt: string;
  seconds: number;
  notes: string[];
  rows: (Row & { median: Figures })[];
  aims: Aim[];
}

/** How figures are headed and how many decimals they have. */
const columns: Record<string, [title: string, decimals: number]> = {
  acksPerSecond: ['acks/s', 0],
  answersPerSecond: ['answers/s', 1],
  perSecond: ['per second', 0],
  cpuMicrosecondsOfEach: ['CPU µs of each', 0],
  p50Ms: ['p50 ms', 2],
  p99Ms: ['p99 ms', 2],
  serverCpuMsPerThousand: ['server CPU ms per 1,000', 0],
  cpuMsPerMessage: ['server CPU ms/message', 2],
  redisCpuMsPerMessage: ['Redis CPU ms/message', 2],
  serverCpuShare: ['server CPU share', 2],
  simulatorCpuShare: ['simulator CPU share', 2],
  loadCpuShare: ['load CPU share', 2],
  settledAfterMs: ['settled after ms', 0],
  statusesPerAnswer: ['statuses/answer', 1],
  refusedSends: ['refused sends', 0],
  refused: ['refused', 0],
  retriedWebhooks: ['retried webhooks', 0],
  messages: ['messages', 0],
  unanswered: ['unanswered', 0],
  answerMs: ['answer ms', 1],
  answerMaxMs: ['at most', 1],
  stallMs: ['longest stall ms', 1],
  stallMaxMs: ['at most', 1],
  stallCpuMs: ['CPU of it', 1],
};

export function medianOf(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]!))]));
}

function ratioOf(
  rows: readonly Row[],
  measure: string,
  figure: string,
  above: string,
  below: string,
): number {
  const roundsOf = (subject: string) =>
    rows.find((row) => row.measure === measure && row.subject === subject)?.rounds ?? [];
  const lower = roundsOf(below);
  return median(
    roundsOf(above).flatMap((round, at) =>
      lower[at] === undefined ? [] : [round[figure]! / lower[at][figure]!],
    ),
  );
}

export function aimsOf(rows: readonly Row[]): Aim[] {
  const overhead = rows.find(({ measure, subject }) => measure === 'overhead' && subject === 'Nightdesk');
  const atLeast = (name: string, least: number, figure: number): Aim => ({
    name,
    wanted: `at least ${least}`,
    figure,
    reached: Number.isNaN(figure) ? null : figure >= least,
  });
  const atMost = (name: string, most: number, figure: number): Aim => ({
    name,
    wanted: `at most ${most}`,
    figure,
    reached: Number.isNaN(figure) ? null : figure <= most,
  });
  const compared = (figure: string) => ratioOf(rows, 'throughput', figure, 'Nightdesk', 'usual recipe');
  return [
    atLeast(
      'acks/s, to those of a bare server',
      0.8,
      ratioOf(rows, 'acks', 'acksPerSecond', 'Nightdesk', 'bare server'),
    ),
    atMost('overhead p50 in ms', 10, median((overhead?.rounds ?? []).map((round) => round.p50Ms!))),
    atLeast('answers/s, to those of the usual recipe', 2, compared('answersPerSecond')),
    atMost('server CPU per message, to that of the usual recipe', 0.5, compared('cpuMsPerMessage')),
  ];
}

/** Lines for a terminal. */
export function printed(report: Report): string {
  const { machine, rows, aims, notes } = report;
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  const lines = [
    `Nightdesk bench: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}, ${machine.platform}`,
    ...notes,
    '',
  ];
  for (const measure of measures) lines.push(...table(measure, rows), '');
  lines.push('Aims');
  for (const { name, wanted, figure, reached } of aims) {
    const verdict = reached === null ? 'not measured' : reached ? 'reached' : 'MISSED';
    lines.push(
      `  ${verdict.padEnd(13)}${name}: ${Number.isNaN(figure) ? '-' : figure.toFixed(2)} (wanted: ${wanted})`,
    );
  }
  return lines.join('\n');
}

function table(measure: string, rows: Report['rows']): string[] {
  const own = rows.filter((row) => row.measure === measure);
  const names = Object.keys(columns).filter((name) => own.some((row) => name in row.median));
  const subjectWidth = Math.max(measure.length, ...own.map(({ subject }) => subject.length)) + 2;
  const head = names.map((name) => columns[name]![0]);
  const cell = (row: Report['rows'][number], name: string) => {
    const value = row.median[name] ?? Number.NaN;
    return Number.isNaN(value) ? '-' : value.toFixed(columns[name]![1]);
  };
  const lines = [measure.padEnd(subjectWidth) + head.join('  ')];
  for (const row of own) {
    const cells = names.map((name, at) => cell(row, name).padStart(head[at]!.length)).join('  ');
    const told = row.skipped === undefined ? cells : `skipped: ${row.skipped}`;
    lines.push(row.subject.padEnd(subjectWidth) + told);
  }
  return lines;
}

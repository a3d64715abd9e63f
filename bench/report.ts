/**
 * Medians over rounds as tables, the aims with the figure that was reached, and all of it as JSON. To show another figure, name its
 * heading in `columns`.
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
  addedP50Ms: ['added p50 ms', 2],
  addedP99Ms: ['added p99 ms', 2],
  serverCpuMsPerThousand: ['server CPU ms per 1,000', 0],
  postgresCpuMsPerThousand: ['Postgres', 0],
  redisCpuMsPerThousand: ['Redis', 0],
  cpuMsPerMessage: ['server CPU ms/message', 2],
  postgresCpuMsPerMessage: ['Postgres', 2],
  redisCpuMsPerMessage: ['Redis', 2],
  allCpuMsPerMessage: ['together', 2],
  serverCpuShare: ['server CPU share', 2],
  simulatorCpuShare: ['simulator CPU share', 2],
  loadCpuShare: ['load CPU share', 2],
  settledAfterMs: ['settled after ms', 0],
  statusesPerAnswer: ['statuses/answer', 1],
  refusedSends: ['refused sends', 0],
  refused: ['refused', 0],
  retriedWebhooks: ['retried webhooks', 0],
  kills: ['kills', 0],
  messages: ['messages', 0],
  acknowledged: ['acknowledged', 0],
  answered: ['answered', 0],
  lost: ['lost', 0],
  doubled: ['doubled', 0],
  outOfOrder: ['out of order', 0],
  pairsCompared: ['pairs compared', 0],
  held: ['held', 0],
  endedAfterMs: ['ended after ms', 0],
  unanswered: ['unanswered', 0],
  waiting: ['others waiting', 0],
  aloneMs: ['alone ms', 0],
  besideMs: ['beside them, first ms', 0],
  between: ['others answered meanwhile', 0],
  besideTimes: ['times', 0],
  besideP50Ms: ['p50 ms', 0],
  besideMaxMs: ['at most', 0],
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

export interface Compared {
  measure: string;
  figure: string;
  above: string;
  below: string;
}

/** The median of the rounds' own ratios; NaN where one of both was not measured. */
export function ratioOf(rows: readonly Row[], { measure, figure, above, below }: Compared): number {
  const figuresOf = (subject: string) =>
    (rows.find((row) => row.measure === measure && row.subject === subject)?.rounds ?? []).map(
      (round) => round[figure] ?? Number.NaN,
    );
  const lower = figuresOf(below);
  return median(
    figuresOf(above).flatMap((value, at) => (lower[at] === undefined ? [] : [value / lower[at]])),
  );
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

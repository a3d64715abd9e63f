/**
 * What the side-by-side run aims at, with the figure that was reached. An aim that compares is judged by the median of the rounds' own
 * ratios, because two figures of one round met the same state of the machine. To add an aim, add it to `aimsOf`.
 */
import { type Contestant, usualRecipe } from './contestants.ts';
import { type Aim, type Row, ratioOf } from './report.ts';
import { median } from './statistics.ts';

export function atLeast(name: string, least: number, figure: number): Aim {
  return {
    name,
    wanted: `at least ${least}`,
    figure,
    reached: Number.isNaN(figure) ? null : figure >= least,
  };
}

export function atMost(name: string, most: number, figure: number): Aim {
  return { name, wanted: `at most ${most}`, figure, reached: Number.isNaN(figure) ? null : figure <= most };
}

export function aimsOf(rows: readonly Row[]): Aim[] {
  const compare = (subject: Contestant, measure: string, figure: string, with_: string) =>
    ratioOf(rows, { measure, figure, above: subject, below: with_ });
  const throughput = (subject: Contestant, figure: string) =>
    compare(subject, 'throughput', figure, usualRecipe);
  const acks = (subject: Contestant, beside: string) => compare(subject, 'acks', 'acksPerSecond', beside);
  const overhead = medianFigure(rows, 'overhead', 'Nightdesk', 'p50Ms');
  const postgres = 'Nightdesk on Postgres';
  return [
    atLeast('acks/s, to those of a bare server', 0.8, acks('Nightdesk', 'bare server')),
    atMost('overhead p50 in ms', 10, overhead),
    atLeast('answers/s, to those of the usual recipe', 2, throughput('Nightdesk', 'answersPerSecond')),
    atMost(
      'server CPU per message, to that of the usual recipe',
      0.5,
      throughput('Nightdesk', 'cpuMsPerMessage'),
    ),
    atLeast('acks/s on Postgres, to those of a bare server', 0.8, acks(postgres, 'bare server')),
    atLeast('acks/s on Postgres, to those of the usual recipe', 2, acks(postgres, usualRecipe)),
    atLeast(
      'answers/s on Postgres, to those of the usual recipe',
      2.5,
      throughput(postgres, 'answersPerSecond'),
    ),
    atMost(
      'CPU per message on Postgres with that of Postgres, to that of the usual recipe with Redis',
      0.4,
      throughput(postgres, 'allCpuMsPerMessage'),
    ),
    ...(['Nightdesk', postgres, 'Nightdesk on Postgres, BullMQ'] as const).map((subject) =>
      atMost(`lost, doubled and out of order under kill, ${subject}`, 0, wrongUnderKill(rows, subject)),
    ),
  ];
}

function medianFigure(rows: readonly Row[], measure: string, subject: string, figure: string): number {
  const rounds = rows.find((row) => row.measure === measure && row.subject === subject)?.rounds ?? [];
  return median(rounds.map((round) => round[figure] ?? Number.NaN));
}

const wrongUnderKill = (rows: readonly Row[], subject: string) =>
  ['lost', 'doubled', 'outOfOrder'].reduce(
    (sum, figure) => sum + medianFigure(rows, 'kill', subject, figure),
    0,
  );

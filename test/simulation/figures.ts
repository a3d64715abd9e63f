/** What a run of many seeds did: a claim of "nothing lost" counts only where what could have lost it has happened. */
import { lostWords, providedWords } from './tally.ts';
import { witnessed } from './witness.ts';
import type { Done } from './worker.ts';

/** Calls that are made so often that a long run loses answers of each. */
const mostLost = [
  ...(['append', 'appendBusiness', 'recordStatuses', 'takeConversations', 'commitTurn'] as const),
  ...(['beginAttempt', 'settleActivity', 'grantSends', 'grantReceipt', 'settleSends'] as const),
  ...(['fireTimers', 'findWork', 'renewLeases', 'rescue', 'resolveUncertain', 'prune', 'takeOver'] as const),
];

/** Each of these must have happened in a run that is long enough to have had them all. */
const needed = [
  ...['messages', 'crashed', 'paused', 'stopped', 'webhooks refused', 'webhooks taken twice'],
  ...['sends accepted', 'sends refused', 'answers lost', 'store and command faults', 'model calls'],
  ...['paid requests', 'charges', ...Object.values(providedWords), 'charges looked up'],
  ...['events of the business', 'events of the business taken twice', 'events of the business refused'],
  ...['taps', 'buttons tapped twice'],
  ...mostLost.map(lostWords),
  ...witnessed,
];
const longRunSeeds = 500;

export class Figures {
  seeds = 0;
  events = 0;
  virtualMs = 0;
  readonly counts: Record<string, number> = {};
  readonly #startedMs = performance.now();

  add({ events, virtualMs, counts }: Done): void {
    this.seeds += 1;
    this.events += events;
    this.virtualMs += virtualMs;
    for (const [name, count] of Object.entries(counts)) this.counts[name] = (this.counts[name] ?? 0) + count;
  }

  asJson() {
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    return {
      seeds: this.seeds,
      wallSeconds: Math.round(seconds * 10) / 10,
      virtualHours: Math.round(this.virtualMs / 360_000) / 10,
      events: this.events,
      eventsPerSecond: Math.round(this.events / seconds),
      timesRealTime: Math.round(this.virtualMs / 1_000 / seconds),
      counts: this.counts,
    };
  }

  inWords(): string {
    const { counts, ...figures } = this.asJson();
    const lines = Object.entries(counts).map(([name, count]) => `  ${String(count).padStart(9)} ${name}`);
    return [
      `${figures.seeds} seeds in ${figures.wallSeconds} s: ${figures.virtualHours} hours of virtual time (${figures.timesRealTime} times real time), ${figures.events} events (${figures.eventsPerSecond}/s)`,
      ...lines,
    ].join('\n');
  }
}

/** What should have happened in a long run and did not. */
export function checkFigures({ seeds, counts }: Figures): string[] {
  return seeds < longRunSeeds ? [] : needed.filter((name) => (counts[name] ?? 0) === 0);
}

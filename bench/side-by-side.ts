/**
 * The side-by-side run: every contestant meets every measure in one run on one machine. Rounds are interleaved, so that a machine that
 * gets slower meets all of them. Who lacks a service is told with the way to get it, and fails the run under CI.
 */
import { resolve } from 'node:path';
import { aimsOf } from './aims.ts';
import { type Contestant, contestants } from './contestants.ts';
import { describeMachine } from './machine.ts';
import { acksOf, acksOfBareServer } from './measures/acks.ts';
import { overheadOf } from './measures/overhead.ts';
import { pacingOf, throughputOf } from './measures/throughput.ts';
import { underKill, withoutKill } from './measures/under-kill.ts';
import { fullPlan, type Plan, quickPlan } from './plan.ts';
import { type Figures, medianOf, type Report, type Row } from './report.ts';
import { type ServiceName, whyNot } from './services.ts';
import { buildTown, numbersOf, type TownOptions } from './town.ts';

/** In the order of the tables. */
export const measures = ['acks', 'overhead', 'throughput', 'pacing', 'no-kill', 'kill'] as const;
type Measure = (typeof measures)[number];

const names = Object.keys(contestants) as Contestant[];
export const contestantKeys: readonly string[] = names.map((name) => contestants[name].key);

export interface SideBySideOptions {
  quick: boolean;
  /** Some of `measures`; all if absent. */
  only?: readonly string[] | undefined;
  /** Some of `contestantKeys`; all if absent. */
  contestants?: readonly string[] | undefined;
  /** Where CPU profiles are written. */
  profile?: string | undefined;
}

export function measureSideBySide(options: SideBySideOptions): Promise<Report> {
  return new SideBySide(options).run();
}

class SideBySide {
  readonly #options: SideBySideOptions;
  readonly #plan: Plan;
  readonly #wanted: readonly Contestant[];
  readonly #rows = new Map<string, Row>();

  constructor(options: SideBySideOptions) {
    this.#options = options;
    this.#plan = options.quick ? quickPlan : fullPlan;
    const keys = options.contestants ?? contestantKeys;
    this.#wanted = names.filter((name) => keys.includes(contestants[name].key));
  }

  async run(): Promise<Report> {
    const startedAt = new Date().toISOString();
    const notes = await this.#measureAll(await this.#withoutTheMissing());
    const order: readonly string[] = measures;
    const subjects: readonly string[] = ['bare server', ...names];
    const rank = ({ measure, subject }: Row) => order.indexOf(measure) * 100 + subjects.indexOf(subject);
    const rows = [...this.#rows.values()].sort((a, b) => rank(a) - rank(b));
    return {
      machine: describeMachine(),
      startedAt,
      seconds: Math.round(performance.now() / 1_000),
      notes: [...this.#describePlan(), ...notes],
      rows: rows.map((row) => ({ ...row, median: medianOf(row.rounds) })),
      aims: aimsOf(rows),
    };
  }

  /** Their rows say what is missing. */
  async #withoutTheMissing(): Promise<Contestant[]> {
    const missing = new Map<ServiceName, string>();
    for (const name of new Set(this.#wanted.flatMap((each) => contestants[each].needs))) {
      const why = await whyNot(name);
      if (why !== null) missing.set(name, why);
    }
    return this.#wanted.filter((contestant) => {
      const why = contestants[contestant].needs.flatMap((name) => missing.get(name) ?? []).join(' ');
      if (why === '') return true;
      for (const measure of measures)
        if (this.#isWanted(measure)) this.#rowOf(measure, contestant).skipped = why;
      if (process.env.CI) {
        process.stderr.write(`${contestant} must be measured under CI, and was not: ${why}\n`);
        process.exitCode = 1;
      }
      return false;
    });
  }

  async #measureAll(present: readonly Contestant[]): Promise<string[]> {
    const { rounds, budgetMs } = this.#plan;
    const beginMs = performance.now();
    const elapsedMs = () => performance.now() - beginMs;
    const tell = (what: string) =>
      process.stderr.write(`${what} done after ${Math.round(elapsedMs() / 1_000)} s\n`);
    for (const contestant of present) {
      if (this.#isWanted('pacing')) await this.#measurePacing(contestant);
      if (this.#isWanted('no-kill'))
        this.#note('no-kill', contestant, await withoutKill(contestant, this.#plan));
      if (this.#isWanted('kill')) this.#note('kill', contestant, await underKill(contestant, this.#plan));
    }
    tell('what has one round');
    if (!(['acks', 'overhead', 'throughput'] as const).some((measure) => this.#isWanted(measure))) return [];
    let longestMs = 0;
    for (let round = 1; round <= rounds; round++) {
      if (elapsedMs() + longestMs > budgetMs)
        return [
          `Only ${round - 1} of ${rounds} rounds: another would not have ended in time on this machine.`,
        ];
      const roundBeginMs = elapsedMs();
      if (this.#isWanted('acks')) await this.#measureAcks(present);
      if (this.#isWanted('overhead') || this.#isWanted('throughput'))
        for (const contestant of present) await this.#measureAnswers(contestant);
      longestMs = Math.max(longestMs, elapsedMs() - roundBeginMs);
      tell(`round ${round} of ${rounds}`);
    }
    return [];
  }

  async #measureAcks(present: readonly Contestant[]): Promise<void> {
    const numbers = numbersOf(this.#plan.tenants);
    this.#note('acks', 'bare server', await acksOfBareServer(this.#plan, numbers));
    for (const contestant of present) {
      const profile = this.#profileOf(`acks-${contestants[contestant].key}`);
      this.#note('acks', contestant, await acksOf(contestant, this.#plan, numbers, profile));
    }
  }

  async #measureAnswers(contestant: Contestant): Promise<void> {
    const town = await buildTown(this.#townOptions(contestant, this.#plan));
    try {
      if (this.#isWanted('overhead')) this.#note('overhead', contestant, await overheadOf(town, this.#plan));
      if (this.#isWanted('throughput'))
        this.#note('throughput', contestant, await throughputOf(town, this.#plan));
    } finally {
      await town.close();
    }
  }

  async #measurePacing(contestant: Contestant): Promise<void> {
    const { messages, sendsPerSecondMax } = this.#plan.pacing;
    const town = await buildTown(
      this.#townOptions(contestant, { ...this.#plan, tenants: 1, contacts: messages, sendsPerSecondMax }),
    );
    try {
      this.#note('pacing', contestant, await pacingOf(town, this.#plan));
    } finally {
      await town.close();
    }
  }

  #townOptions(contestant: Contestant, { tenants, contacts, sendsPerSecondMax }: Plan): TownOptions {
    const profile = this.#profileOf(contestants[contestant].key);
    return { contestant, tenants, contacts, sendsPerSecondMax, ...profile };
  }

  #isWanted(measure: Measure): boolean {
    return this.#options.only === undefined || this.#options.only.includes(measure);
  }

  #profileOf(what: string): { profileFolder?: string } {
    const { profile } = this.#options;
    return profile === undefined ? {} : { profileFolder: resolve(profile, what) };
  }

  #rowOf(measure: Measure, subject: string): Row {
    const key = `${measure} ${subject}`;
    const row = this.#rows.get(key) ?? { measure, subject, rounds: [] };
    this.#rows.set(key, row);
    return row;
  }

  #note(measure: Measure, subject: string, figures: Figures): void {
    this.#rowOf(measure, subject).rounds.push(figures);
  }

  #describePlan(): string[] {
    const { rounds, tenants, contacts, sendsPerSecondMax, acks, overhead, throughput, pacing, kill } =
      this.#plan;
    const { killAfterMs, modelMs } = kill;
    const each = `${killAfterMs.minMs / 1_000} to ${killAfterMs.maxMs / 1_000} s`;
    return [
      `Medians of ${rounds} rounds${this.#options.quick ? ' (a smoke run: these figures mean nothing)' : ''}; ${tenants} tenants, ${contacts} contacts, numbers of ${sendsPerSecondMax} sends/s. The cores are shared with load and simulator.`,
      `acks: ${acks.webhooks} webhooks over ${acks.connections} connections, nothing but the webhook runs. overhead: ${overhead.messages} messages at ${overhead.messagesPerSecond}/s, a model of 0 ms.`,
      `throughput: ${throughput.messages} messages as fast as they are acknowledged, three statuses each. pacing: ${pacing.messages} messages at once to one number of ${pacing.sendsPerSecondMax}/s, in and out together, one round.`,
      `kill: SIGKILL every ${each} for ${kill.lastsMs / 1_000} s, ${kill.messagesPerSecond} messages a second from ${kill.contacts} contacts, a model of ${modelMs.minMs} to ${modelMs.maxMs} ms, one round; Postgres and Redis live. What had no answer ${kill.unchangedMaxMs / 1_000} s after the last one is lost. An answer repeats all that was said since the last one, so two workers at one contact double without any kill, too: no-kill is the same without.`,
      'Nightdesk commits to disk before it acknowledges, SQLite and Postgres as they come (fsync is on). The recipe relies on a Redis with appendfsync everysec or always; the Redis that only wakes Nightdesk keeps nothing.',
      'CPU is that of the server, and beside it of Postgres and of Redis with all their processes.',
    ];
  }
}

/**
 * `npm run bench -- fairness`: how long a customer of one tenant waits while ten thousand of another tenant's wait, over 2 webhook and 3 worker
 * processes on one Postgres. The one writes alone first, then again and again until the others are through, each time after the last answer.
 */
import { type WakeName, wakes } from '../test/proof/machines/own-queue.ts';
import { atMost } from './aims.ts';
import { pause } from './child.ts';
import { buildFleetTown, type FleetTown } from './fleet-town.ts';
import { describeMachine } from './machine.ts';
import { type Figures, medianOf, type Report, type Row } from './report.ts';
import { contactSpecOf, nowMs } from './simulator-setup.ts';
import { median } from './statistics.ts';
import { numbersOf, type Speaker } from './town.ts';

const modelMs = 500;
const processes = { webhooks: 2, workers: 3 };
const answerMsMax = 120_000;

const fullPlan = { rounds: 3, crowd: 10_000, alone: 10, beside: 10 };
const quickPlan: typeof fullPlan = { rounds: 1, crowd: 100, alone: 2, beside: 2 };

export interface FairnessOptions {
  quick: boolean;
  /** All of them if absent. */
  wakes?: readonly WakeName[] | undefined;
}

export async function measureFairness(options: FairnessOptions): Promise<Report> {
  const plan = options.quick ? quickPlan : fullPlan;
  const startedAt = new Date().toISOString();
  const measured = (options.wakes ?? wakes).map((wake) => {
    const row: Row = { measure: 'fairness', subject: `WAKE=${wake}`, rounds: [] };
    return { wake, row };
  });
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { wake, row } of measured) row.rounds.push(await figuresOf(plan, wake));
    process.stderr.write(`round ${round} of ${plan.rounds} done\n`);
  }
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [
      `Medians of ${plan.rounds} rounds${options.quick ? ' (a smoke run: these figures mean nothing)' : ''}: ${plan.crowd} customers of one tenant write as fast as they are acknowledged, a model of ${modelMs} ms, ${processes.webhooks} webhook and ${processes.workers} worker processes. One customer of another tenant writes ${plan.alone} times before that, and up to ${plan.beside} times once all of them have written.`,
      'Cloud Tasks serves a queue in its order (docs/adr/0012-cloud-tasks.md), so nothing is aimed at there.',
    ],
    rows: measured.map(({ row }) => ({ ...row, median: medianOf(row.rounds) })),
    aims: measured
      .filter(({ wake }) => wake !== 'cloud-tasks')
      .map(({ wake, row }) =>
        atMost(
          `ms that the one's first message waits for the ${plan.crowd}, one slot of the model, WAKE=${wake}`,
          modelMs,
          median(row.rounds.map(({ besideMs = Number.NaN, aloneMs = Number.NaN }) => besideMs - aloneMs)),
        ),
      ),
  };
}

async function figuresOf(plan: typeof fullPlan, wake: WakeName): Promise<Figures> {
  const sendsPerSecondMax = 1_000;
  const town = await buildFleetTown({
    ...{ wake, roles: processes, tenants: 1, others: 1, contacts: plan.crowd },
    ...{ sendsPerSecondMax, modelMs },
  });
  try {
    const one = new One(town, plan.crowd);
    const alone: number[] = [];
    for (let nth = 0; nth < plan.alone; nth++) alone.push((await one.waits()).waitedMs);
    await crowdWrites(town, plan.crowd);
    const beside: Waited[] = [];
    while (beside.length < plan.beside && town.talk.unanswered > 0) beside.push(await one.waits());
    one.close();
    const waits = beside.map(({ waitedMs }) => waitedMs);
    const first = beside[0] ?? { waitedMs: Number.NaN, waiting: Number.NaN, between: Number.NaN };
    return {
      ...{ aloneMs: median(alone), besideMs: first.waitedMs, waiting: first.waiting, between: first.between },
      ...{ besideP50Ms: median(waits), besideMaxMs: Math.max(...waits), besideTimes: waits.length },
    };
  } finally {
    await town.close();
  }
}

/** All of them, as fast as they are acknowledged. */
function crowdWrites({ talk }: FleetTown, crowd: number): Promise<void> {
  const begin = talk.count;
  const more = () => talk.say(crowd - (talk.count - begin), 64);
  return new Promise((resolve) => {
    talk.onChange(() => {
      more();
      if (talk.count - begin === crowd && talk.unacknowledged === 0) resolve();
    });
    more();
  });
}

interface Waited {
  waitedMs: number;
  /** So many of the others had no answer when it was written. */
  waiting: number;
  /** Of them so many were answered before it. */
  between: number;
}

/** The customer of the other tenant. */
class One {
  readonly #town: FleetTown;
  readonly #speaker: Speaker;
  readonly #stopListening: () => void;
  #said = 0;
  #answeredAtMs: number | null = null;
  #unansweredThen = 0;

  constructor(town: FleetTown, index: number) {
    this.#town = town;
    this.#speaker = { contact: contactSpecOf(index).phone, phoneNumberId: numbersOf(2)[1]!.id };
    this.#stopListening = town.simulator.meta.log.listen((event) => {
      if (event.kind !== 'sendAccepted' || event.text?.includes(this.#token) !== true) return;
      this.#answeredAtMs ??= event.atMs;
      this.#unansweredThen = town.talk.unanswered;
    });
  }

  get #token(): string {
    return `<one${this.#said}>`;
  }

  /** Writes, and waits for the answer. */
  async waits(): Promise<Waited> {
    const { simulator, talk } = this.#town;
    this.#said += 1;
    this.#answeredAtMs = null;
    const waiting = talk.unanswered;
    const saidAtMs = nowMs();
    await simulator.control.say({ ...this.#speaker, type: 'text', text: `Are you there? ${this.#token}` });
    while (this.#answeredAtMs === null && nowMs() - saidAtMs < answerMsMax) await pause(5);
    if (this.#answeredAtMs === null) throw new Error(`The one was not answered within ${answerMsMax} ms.`);
    return { waitedMs: this.#answeredAtMs - saidAtMs, waiting, between: waiting - this.#unansweredThen };
  }

  close(): void {
    this.#stopListening();
  }
}

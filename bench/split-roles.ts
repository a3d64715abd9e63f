/**
 * `npm run bench -- split-roles`: what it costs that webhooks are taken by other processes than work. The same customers write to one process of
 * all roles and to 2 webhook and 3 worker processes, on a Postgres each, in turn, with each wake.
 */
import { type WakeName, wakes } from '../test/proof/machines/own-queue.ts';
import { atMost } from './aims.ts';
import { buildFleetTown, type FleetTownOptions } from './fleet-town.ts';
import { describeMachine } from './machine.ts';
import { type OverheadFigures, overheadOf } from './measures/overhead.ts';
import { medianOf, type Report, type Row } from './report.ts';
import { median } from './statistics.ts';

/** Milliseconds that they may add at the median. */
const addedMsMax = 50;
const modelMs = 50;
const processes = { webhooks: 2, workers: 3 };

const fullPlan = {
  ...{ rounds: 3, tenants: 20, contacts: 1_000, sendsPerSecondMax: 1_000 },
  overhead: { messagesPerSecond: 20, messages: 1_200, warmUpMessages: 100 },
};
const quickPlan: typeof fullPlan = {
  ...{ rounds: 1, tenants: 2, contacts: 40, sendsPerSecondMax: 1_000 },
  overhead: { messagesPerSecond: 20, messages: 20, warmUpMessages: 5 },
};

export interface SplitRolesOptions {
  quick: boolean;
  /** All of them if absent. */
  wakes?: readonly WakeName[] | undefined;
}

export async function measureSplitRoles(options: SplitRolesOptions): Promise<Report> {
  const plan = options.quick ? quickPlan : fullPlan;
  const startedAt = new Date().toISOString();
  const measured = (options.wakes ?? wakes).map((wake) => ({
    wake,
    one: rowOf(`one process, WAKE=${wake}`),
    split: rowOf(`split roles, WAKE=${wake}`),
  }));
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { wake, one, split } of measured) {
      const alone = await figuresOf(plan, wake, 'all');
      const apart = await figuresOf(plan, wake, processes);
      one.rounds.push(alone);
      split.rounds.push({
        ...apart,
        addedP50Ms: apart.p50Ms - alone.p50Ms,
        addedP99Ms: apart.p99Ms - alone.p99Ms,
      });
    }
    process.stderr.write(`round ${round} of ${plan.rounds} done\n`);
  }
  const { messages, messagesPerSecond } = plan.overhead;
  const rows = measured.flatMap(({ one, split }) => [one, split]);
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [
      `Medians of ${plan.rounds} rounds${options.quick ? ' (a smoke run: these figures mean nothing)' : ''}: ${messages} messages at ${messagesPerSecond}/s, a model of ${modelMs} ms, ${plan.tenants} tenants, ${plan.contacts} contacts. From the message's leaving Meta to the answer's being there.`,
      `Split roles are ${processes.webhooks} webhook and ${processes.workers} worker processes. What they add is told round by round.`,
    ],
    rows: rows.map((row) => ({ ...row, median: medianOf(row.rounds) })),
    aims: [
      ...measured.map(({ wake, split }) =>
        atMost(
          `ms that split roles add at the median, WAKE=${wake}`,
          addedMsMax,
          median(split.rounds.map(({ addedP50Ms = Number.NaN }) => addedP50Ms)),
        ),
      ),
      atMost(
        'messages without an answer',
        0,
        rows.reduce(
          (sum, row) => sum + row.rounds.reduce((own, { unanswered = 0 }) => own + unanswered, 0),
          0,
        ),
      ),
    ],
  };
}

const rowOf = (subject: string): Row => ({ measure: 'split-roles', subject, rounds: [] });

async function figuresOf(
  { tenants, contacts, sendsPerSecondMax, overhead }: typeof fullPlan,
  wake: WakeName,
  roles: FleetTownOptions['roles'],
): Promise<OverheadFigures> {
  const town = await buildFleetTown({ wake, roles, tenants, contacts, sendsPerSecondMax, modelMs });
  try {
    return await overheadOf(town, { overhead });
  } finally {
    await town.close();
  }
}

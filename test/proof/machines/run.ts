/**
 * The run with many processes: customers write while one server after another is killed with SIGKILL and started again, Redis is
 * restarted empty and Postgres is crashed, tasks come twice and cannot be made; webhooks come twice and shuffled, answers of Graph are
 * lost. Then the killing stops, and everything must come to an end. What is judged is what Meta saw, and rows read by SQL of its own.
 */
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { pause } from '../server-process.ts';
import { stillThere, talk } from '../talk.ts';
import { seeded, setTimer, type TownContact } from '../town.ts';
import { judge, type Verdict } from '../verdict.ts';
import { startFaults } from './faults.ts';
import { Fleet } from './fleet.ts';
import { makeOlderVersion } from './older-version.ts';
import { OwnPostgres } from './own-postgres.ts';
import { openQueue, type WakeName } from './own-queue.ts';
import { ask, lookInto } from './rows.ts';

export interface MachinesOptions {
  seed: number;
  wake: WakeName;
  messages: number;
  contacts: number;
  tenants: number;
  messagesPerSecond: number;
  settleMs: number;
  webhooks: number;
  workers: number;
  limits?: Record<string, number>;
  /** Of Cloud Tasks; once a minute if absent. */
  sweepCallsEveryMs?: number;
  /** In the place of kills and crashes another version is deployed over, one process after another. */
  deploy?: boolean;
}

export interface MachinesReport {
  verdict: Verdict;
  kills: number;
  /** Processes that were replaced by another version. */
  deployed: number;
  /** What befell that which wakes. */
  ofQueue: Readonly<Record<string, number>>;
  postgresRestarts: number;
  duplicatedWebhooks: number;
  retriedWebhooks: number;
  passedOn: number;
  lostAnswers: number;
  /** Windows of a second in which a number sent more than its pace and the room that it has. */
  paceViolations: number;
  audit: { missingCount: number; underWay: number };
  settled: boolean;
  seconds: number;
}

const digits = (value: number, length: number) => String(value).padStart(length, '0');
const throughputPerSecond = 80;

export async function runMachines(options: MachinesOptions): Promise<MachinesReport> {
  const startedMs = Date.now();
  const random = seeded(options.seed);
  const numbers = Array.from({ length: options.tenants }, (_, i) => ({
    id: `1065403522${digits(i, 4)}`,
    wabaId: `1022901293${digits(i, 4)}`,
    displayNumber: `+1 555 07${digits(i, 4)}`,
  }));
  const postgres = await OwnPostgres.start();
  const simulator = await startTown(numbers, random);
  const queue = await openQueue(options.wake, simulator, options);
  const older = options.deploy === true ? makeOlderVersion() : null;
  const fleet = new Fleet({
    ...(older !== null && { bin: older.bin }),
    ...{ simulatorUrl: simulator.url, postgresUrl: postgres.url },
    ...{ webhooks: options.webhooks, workers: options.workers },
    ...{ env: queue.env, wakePort: queue.wakePort },
    config: `export default { limits: ${JSON.stringify(options.limits ?? {})} };\n`,
  });
  try {
    await fleet.start();
    queue.serve();
    await simulator.control.setup({ webhookUrl: `${fleet.url}/webhooks/whatsapp` });
    await fleet.applyTenants(tenantsOf(numbers));
    const contacts = await makeContacts(simulator, numbers, options.contacts);
    await simulator.control.setFaults({
      duplicateWebhook: { rate: 0.1, maxMs: 2_000 },
      shuffleWebhooks: { rate: 1, maxMs: 150 },
      loseAnswer: { rate: 0.02 },
    });
    queue.setFaults();
    const lastsMs = (options.messages / options.messagesPerSecond) * 1_000;
    const deploying = older === null ? null : redeployAll(fleet, lastsMs);
    const faults = older === null ? startFaults({ fleet, postgres, queue, random, lastsMs }) : null;
    await talk(simulator, contacts, options, random);
    await faults?.stop();
    const deployed = (await deploying) ?? 0;
    const settled = await settle(
      simulator,
      fleet,
      numbers.map(({ id }) => id),
      options.settleMs,
    );
    await simulator.control.clearFaults();
    const audit = await fleet.command<MachinesReport['audit']>('audit', '--days', '1');
    const { counters } = await simulator.control.counters();
    const { said, accepted } = simulator.meta;
    return {
      verdict: await judge(said, accepted, lookInto(postgres.url)),
      kills: fleet.kills,
      deployed,
      ofQueue: queue.counts(),
      postgresRestarts: postgres.restarts,
      duplicatedWebhooks: counters.webhookDuplicated ?? 0,
      retriedWebhooks: counters.webhookFailed ?? 0,
      passedOn: fleet.passedOn,
      lostAnswers: accepted.filter((send) => send.answerLost !== null).length,
      paceViolations: await paceViolations(postgres.url),
      ...{ audit, settled, seconds: (Date.now() - startedMs) / 1_000 },
    };
  } finally {
    await queue.close();
    await fleet.stop();
    await simulator.close();
    await postgres.remove();
    older?.remove();
    if (process.env.KEEP_PROOF === undefined) fleet.remove();
  }
}

type NumberSetup = { id: string; wabaId: string; displayNumber: string };

function startTown(numbers: readonly NumberSetup[], random: () => number): Promise<Simulator> {
  return startSimulator({
    world: {
      nowMs: () => Date.now(),
      setTimer,
      random,
    },
    setup: {
      appSecret: 'app secret',
      verifyToken: 'verify',
      accessTokens: ['token'],
      phoneNumbers: numbers.map((number) => ({ ...number, throughputPerSecond })),
      timings: {
        sentMs: { minMs: 20, maxMs: 150 },
        deliveredMs: { minMs: 50, maxMs: 300 },
        readMs: { minMs: 100, maxMs: 600 },
        webhookRetryFirstMs: 200,
        webhookRetryFactor: 1.6,
        webhookRetryMaxMs: 3_000,
      },
    },
    model: { latencyMs: { minMs: 50, maxMs: 500 } },
  });
}

const tenantsOf = (numbers: readonly NumberSetup[]) => ({
  tenants: numbers.map((number, i) => ({
    id: `tenant-${i}`,
    phoneNumbers: [{ ...number, sendsPerSecondMax: throughputPerSecond, settings: {} }],
  })),
});

async function makeContacts(
  simulator: Simulator,
  numbers: readonly NumberSetup[],
  count: number,
): Promise<TownContact[]> {
  const contacts: TownContact[] = [];
  for (let i = 0; i < count; i++) {
    const { id } = await simulator.control.createContact({
      phone: `1650${digits(i, 7)}`,
      name: `Customer ${i}`,
      userId: `US.${digits(i, 12)}`,
    });
    const at = i % numbers.length;
    contacts.push({ id, phoneNumberId: numbers[at]?.id ?? '', tenantId: `tenant-${at}` });
  }
  return contacts;
}

/** One after the other, spread over the time in which customers write; answers how many. */
async function redeployAll(fleet: Fleet, lastsMs: number): Promise<number> {
  for (const server of fleet.all) {
    await pause(lastsMs / (2 * fleet.all.length));
    await fleet.redeploy(server);
  }
  return fleet.all.length;
}

async function settle(
  simulator: Simulator,
  fleet: Fleet,
  numbers: readonly string[],
  settleMs: number,
): Promise<boolean> {
  const untilMs = Date.now() + settleMs;
  for (let round = 0; Date.now() < untilMs; round++) {
    await stillThere(simulator, numbers, round);
    await pause(2_500);
    const acknowledged = simulator.meta.said.every((message) => message.acknowledgedAtMs !== null);
    if (!acknowledged) continue;
    const open = await fleet.command<{ state: string }[]>('sends', 'list', '--state', 'uncertain');
    const { underWay } = await fleet.command<{ underWay: number }>('audit', '--days', '1');
    if (underWay === 0 && open.length === 0) return true;
  }
  return false;
}

/** By when the store let them go: a machine that stands still for a moment changes when they arrive, not that. */
async function paceViolations(url: string): Promise<number> {
  const rows = await ask<{ most: number }>(
    url,
    `SELECT max(held)::int AS most FROM (SELECT count(*) OVER (PARTITION BY tenant_id, phone_number_id ORDER BY sending_at_ms
      RANGE BETWEEN CURRENT ROW AND 999 FOLLOWING) AS held FROM nightdesk.send WHERE sending_at_ms IS NOT NULL) AS windows
    GROUP BY held HAVING max(held) > $1`,
    [throughputPerSecond * 1.1],
  );
  return rows.length;
}

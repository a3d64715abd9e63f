/**
 * The run with kills: customers write while the server is killed with SIGKILL and started again, webhooks come twice and
 * shuffled, answers of Graph are lost after acceptance. Then the killing stops, and everything must come to an end.
 */
import { pause, until } from './server-process.ts';
import { buildTown, seeded, type Town } from './town.ts';
import { judge, tokenOf, type Verdict } from './verdict.ts';

export interface ChaosOptions {
  seed: number;
  messages: number;
  contacts: number;
  tenants: number;
  /** Messages said in a second, over all contacts. */
  messagesPerSecond: number;
  limits?: Record<string, number>;
  /** How long the end may take after the last message. */
  settleMs: number;
}

export interface ChaosReport {
  verdict: Verdict;
  kills: number;
  duplicatedWebhooks: number;
  retriedWebhooks: number;
  lostAnswers: number;
  audit: { missingCount: number; underWay: number; byEnd: Record<string, number>; provenDuplicates: number };
  settled: boolean;
  seconds: number;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = seeded(options.seed);
  const startedMs = Date.now();
  const town = await buildTown({
    tenants: options.tenants,
    contacts: options.contacts,
    random,
    ...(options.limits === undefined ? {} : { server: { limits: options.limits } }),
  });
  try {
    await town.simulator.control.setFaults({
      duplicateWebhook: { rate: 0.1, maxMs: 2_000 },
      shuffleWebhooks: { rate: 1, maxMs: 150 },
      loseAnswer: { rate: 0.02 },
    });
    const killer = startKiller(town, random);
    await talk(town, options, random);
    await killer.stop();
    const settled = await settle(town, options.settleMs);
    await town.simulator.control.clearFaults();
    const audit = await town.server.command<ChaosReport['audit']>('audit', { days: 1 });
    await town.server.stop();
    const { counters } = await town.simulator.control.counters();
    return {
      verdict: judge(town.simulator.meta.said, town.simulator.meta.accepted, town.server.databasePath),
      kills: town.server.kills,
      duplicatedWebhooks: counters.webhookDuplicated ?? 0,
      retriedWebhooks: counters.webhookFailed ?? 0,
      lostAnswers: town.simulator.meta.accepted.filter((send) => send.answerLost !== null).length,
      audit,
      settled,
      seconds: (Date.now() - startedMs) / 1_000,
    };
  } finally {
    if (process.env.KEEP_PROOF === undefined) await town.close();
  }
}

/** Kills every 2 to 4 s and starts again at once. */
function startKiller(town: Town, random: () => number): { stop(): Promise<void> } {
  let stopping = false;
  const life = (async () => {
    while (!stopping) {
      const untilMs = Date.now() + 2_000 + random() * 2_000;
      await until(() => stopping || Date.now() >= untilMs, 5_000);
      if (stopping) return;
      await town.server.kill();
      await town.server.start();
    }
  })();
  return {
    async stop() {
      stopping = true;
      await life;
    },
  };
}

/** Contacts write at random; in half of the cases a contact waits until its last message was acknowledged. */
async function talk(town: Town, options: ChaosOptions, random: () => number): Promise<void> {
  const written = new Map<number, { count: number; lastIndex: number }>();
  const beginMs = Date.now();
  let said = 0;
  while (said < options.messages) {
    const due = Math.min(
      options.messages,
      Math.floor(((Date.now() - beginMs) / 1_000) * options.messagesPerSecond),
    );
    for (let tries = 0; said < due && tries < 10_000; tries++) {
      const index = Math.floor(random() * town.contacts.length);
      const contact = town.contacts[index];
      const state = written.get(index) ?? { count: 0, lastIndex: -1 };
      const last = town.simulator.meta.said[state.lastIndex];
      const waits = last !== undefined && last.acknowledgedAtMs === null && index % 2 === 0;
      if (contact === undefined || waits) continue;
      const message = await town.simulator.control.say({
        phoneNumberId: contact.phoneNumberId,
        contact: contact.id,
        type: 'text',
        text: `hello ${tokenOf(index, state.count)}`,
      });
      written.set(index, { count: state.count + 1, lastIndex: message.index });
      said += 1;
    }
    await pause(10);
  }
}

/**
 * Waits until nothing is under way. A quiet number gives no evidence about its uncertain sends, as in a town where
 * nobody writes any more; so one customer of each number goes on writing now and then.
 */
async function settle(town: Town, settleMs: number): Promise<boolean> {
  const untilMs = Date.now() + settleMs;
  for (let round = 0; Date.now() < untilMs; round++) {
    for (const [index, phoneNumberId] of town.numbers.entries()) {
      await town.simulator.control.say({
        phoneNumberId,
        contact: `1999${String(index).padStart(7, '0')}`,
        type: 'text',
        text: `still there ${tokenOf(index, round, 'e')}`,
      });
    }
    await pause(2_500);
    const acknowledged = town.simulator.meta.said.every((message) => message.acknowledgedAtMs !== null);
    const open = await town.server.command<{ state: string }[]>('sends.list');
    const audit = await town.server.command<{ underWay: number }>('audit', { days: 1 });
    if (acknowledged && audit.underWay === 0 && open.every((send) => send.state !== 'uncertain')) return true;
  }
  return false;
}

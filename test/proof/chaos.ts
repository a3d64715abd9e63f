/**
 * The run with kills: customers write while the server is killed with SIGKILL and started again, webhooks come twice and
 * shuffled, answers of Graph are lost after acceptance. Then the killing stops, and everything must come to an end.
 */
import { pause, until } from './server-process.ts';
import { stillThere, talk } from './talk.ts';
import { buildTown, seeded, type Town } from './town.ts';
import { judge, lookIntoFile, type Verdict } from './verdict.ts';

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
    await talk(town.simulator, town.contacts, options, random);
    await killer.stop();
    const settled = await settle(town, options.settleMs);
    await town.simulator.control.clearFaults();
    const audit = await town.server.command<ChaosReport['audit']>('audit', { days: 1 });
    await town.server.stop();
    const { counters } = await town.simulator.control.counters();
    return {
      verdict: await judge(
        town.simulator.meta.said,
        town.simulator.meta.accepted,
        lookIntoFile(town.server.databasePath),
      ),
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

/** Waits until nothing is under way; now and then somebody writes on each number. */
async function settle(town: Town, settleMs: number): Promise<boolean> {
  const untilMs = Date.now() + settleMs;
  for (let round = 0; Date.now() < untilMs; round++) {
    await stillThere(town.simulator, town.numbers, round);
    await pause(2_500);
    const acknowledged = town.simulator.meta.said.every((message) => message.acknowledgedAtMs !== null);
    const open = await town.server.command<{ state: string }[]>('sends.list');
    const audit = await town.server.command<{ underWay: number }>('audit', { days: 1 });
    if (acknowledged && audit.underWay === 0 && open.every((send) => send.state !== 'uncertain')) return true;
  }
  return false;
}

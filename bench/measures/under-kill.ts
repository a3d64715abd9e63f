/**
 * Under kill: customers write at an easy pace while the server is killed with SIGKILL again and again and started at once; what it leans
 * on lives. Then the killing stops, and whatever is still to be answered may be. What is counted is what Meta saw, by the judge of
 * `npm run proof` and by the same rules for everybody: lost is what has neither an answer nor a flag for a person, doubled is what two
 * answers answer. The model answers all that was said since the last answer, so who lets two workers at one contact doubles without any
 * kill, too: the same without kills tells how much of it.
 */
import { join } from 'node:path';
import type { Simulator } from '#simulator/index.ts';
import { stillThere, talk } from '../../test/proof/talk.ts';
import { seeded } from '../../test/proof/town.ts';
import { judge, type Look, lookIntoFile } from '../../test/proof/verdict.ts';
import { type Child, pause } from '../child.ts';
import { type Contestant, contestants } from '../contestants.ts';
import type { Plan } from '../plan.ts';
import { buildTown, numbersOf, type Town } from '../town.ts';

export type KillFigures = Record<
  | 'kills'
  | 'messages'
  | 'acknowledged'
  | 'answered'
  | 'lost'
  | 'doubled'
  | 'outOfOrder'
  | 'pairsCompared'
  | 'held'
  | 'endedAfterMs',
  number
>;

/** Meta's own times between tries are longer than the whole run. */
const timings = { webhookRetryFirstMs: 200, webhookRetryFactor: 1.6, webhookRetryMaxMs: 3_000 };
const seed = 1;

export const underKill = (contestant: Contestant, plan: Plan) => measured(contestant, plan, true);
export const withoutKill = (contestant: Contestant, plan: Plan) => measured(contestant, plan, false);

async function measured(contestant: Contestant, plan: Plan, isKilled: boolean): Promise<KillFigures> {
  const { lastsMs, messagesPerSecond, contacts, killAfterMs, modelMs } = plan.kill;
  const { tenants, sendsPerSecondMax } = plan;
  const random = seeded(seed);
  const town = await buildTown({ contestant, tenants, contacts, sendsPerSecondMax });
  try {
    const { simulator, server } = town;
    await simulator.control.setup({ timings });
    await simulator.control.setModel({ latencyMs: modelMs });
    const lifeMs = () => killAfterMs.minMs + random() * (killAfterMs.maxMs - killAfterMs.minMs);
    const killer = isKilled ? startKiller(server, lifeMs) : null;
    const speakers = town.contacts.map(({ contact, phoneNumberId }) => ({ id: contact, phoneNumberId }));
    const messages = Math.round((lastsMs / 1_000) * messagesPerSecond);
    await talk(simulator, speakers, { messages, messagesPerSecond }, random);
    const kills = (await killer?.stop()) ?? 0;
    const endedAfterMs = await settle(town, plan, isKilled);
    const said = asked(simulator);
    const verdict = await judge(said, simulator.meta.accepted, lookOf(contestant, server));
    return {
      kills,
      messages: said.length,
      acknowledged: verdict.acknowledged,
      answered: verdict.answered,
      lost: verdict.lost.length,
      doubled: verdict.answeredTwice.filter((token) => isAsked(token)).length,
      outOfOrder: verdict.outOfOrder.length,
      pairsCompared: verdict.pairsCompared,
      held: verdict.held,
      endedAfterMs,
    };
  } finally {
    await town.close();
  }
}

function startKiller(server: Child, nextMs: () => number): { stop(): Promise<number> } {
  let stopping = false;
  let kills = 0;
  const life = (async () => {
    while (!stopping) {
      const atMs = performance.now() + nextMs();
      while (!stopping && performance.now() < atMs) await pause(25);
      // At least one, however short the run.
      if (stopping && kills > 0) return;
      kills += 1;
      await server.kill();
      await server.startAgain();
    }
  })();
  // Told by `stop`, however early it failed.
  life.catch(() => {});
  return {
    async stop() {
      stopping = true;
      await life;
      return kills;
    },
  };
}

const isAsked = (text: string | null | undefined) => text?.includes('<m') === true;
/** Not those who only say that they are still there. */
const asked = ({ meta }: Simulator) => meta.said.filter(({ text }) => isAsked(text));

/**
 * Resolves when nothing has changed for the time given, though everything may be answered before: what was under way when its server died
 * may come a second time. Answers when the last change was.
 */
async function settle({ simulator }: Town, { tenants, kill }: Plan, isKilled: boolean): Promise<number> {
  const unchangedMaxMs = isKilled ? kill.unchangedMaxMs : kill.calmMaxMs;
  const numbers = numbersOf(tenants).map(({ id }) => id);
  const beginMs = performance.now();
  let changedAtMs = beginMs;
  let before = '';
  for (let round = 0; performance.now() - changedAtMs < unchangedMaxMs; round++) {
    // A quiet number gives no evidence about what is uncertain.
    if (round % 10 === 0) await stillThere(simulator, numbers, round);
    const now = changesOf(simulator);
    if (now !== before) changedAtMs = performance.now();
    before = now;
    await pause(250);
  }
  return changedAtMs - beginMs;
}

function changesOf(simulator: Simulator): string {
  const answers = simulator.meta.accepted.filter(({ text }) => isAsked(text));
  const acknowledged = asked(simulator).filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== null);
  return `${answers.length} ${acknowledged.length}`;
}

/** The recipe notes no end of a message and asks no person, so what it does not answer is lost. */
function lookOf(contestant: Contestant, server: Child): Look {
  const { truth } = contestants[contestant];
  if (truth === 'file') return lookIntoFile(join(server.folder, 'data', 'nightdesk.db'));
  if (truth === null) return async (wamids) => wamids.map(() => ({ ending: null, flags: 0 }));
  return async (wamids) => {
    const { lookInto } = await import('../../test/proof/machines/rows.ts');
    return lookInto(server.service('Postgres').url)(wamids);
  };
}

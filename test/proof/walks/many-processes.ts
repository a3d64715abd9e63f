/**
 * The shop on two processes that take webhooks and three that work, on a Postgres of the run's own: one after another is killed, Postgres is
 * crashed twice, and what wakes them has its own bad days. Time is the database's, so no clock is put ahead here.
 */

import { runCommand } from '#runtime/commands.ts';
import { readConfig } from '#runtime/config.ts';
import { withStore } from '#surface/cli/run.ts';
import { startFaults } from '../machines/faults.ts';
import { Fleet, secretKey } from '../machines/fleet.ts';
import { OwnPostgres } from '../machines/own-postgres.ts';
import { openQueue, type WakeName } from '../machines/own-queue.ts';
import { postgresBooks } from '../machines/rows.ts';
import {
  type Befalling,
  type ConversationRef,
  type Opening,
  type Premises,
  shopConfigPath,
} from './premises.ts';

export interface ManyOptions {
  wake: WakeName;
  /** Values for `limits` beside those of every walk. */
  limits?: Readonly<Record<string, number>>;
  /** Of the scheduler of Cloud Tasks; once a minute if absent. */
  sweepCallsEveryMs?: number;
}

/** What such a walk does not show. */
export const withoutHours =
  'reminders and welcomes back: they need hours of silence, and the clock of many processes is that of Postgres';

const webhooks = 2;
const workers = 3;

export const openManyProcesses =
  ({ wake, limits = {}, ...ofQueue }: ManyOptions) =>
  async ({ simulator, env }: Opening): Promise<Premises> => {
    const queue = await openQueue(wake, simulator, ofQueue);
    const postgres = await OwnPostgres.start();
    const fleet = new Fleet({
      ...{ simulatorUrl: simulator.url, postgresUrl: postgres.url, webhooks, workers },
      ...{ env: { ...env, ...queue.env }, wakePort: queue.wakePort },
      config: [
        `import shop from ${JSON.stringify(shopConfigPath)};`,
        `export default { ...shop, limits: { ...shop.limits, ...${JSON.stringify(limits)} } };\n`,
      ].join('\n'),
    });
    const close = async () => {
      await queue.close();
      await fleet.stop();
      await postgres.remove();
      if (process.env.KEEP_PROOF === undefined) fleet.remove();
    };
    try {
      await fleet.start();
      queue.serve();
      queue.setFaults();
    } catch (error) {
      await close();
      throw error;
    }
    return {
      url: fleet.url,
      books: postgresBooks(postgres.url),
      demanded: [
        ...['crashes of Postgres', 'answers of Graph lost', 'webhooks tried again'],
        ...Object.keys(queue.counts()),
      ],
      pagesExpireAfterMs: 60_000,
      metaFaults: { loseAnswer: { rate: 0.02 } },
      applyTenants: (file) => fleet.applyTenants(file),
      befall: (of: Befalling) => startFaults({ ...of, fleet, postgres, queue }),
      handBack: (conversations) => handBack(postgres.url, conversations),
      audit: () => fleet.command('audit', '--days', '3'),
      count(book) {
        book.count('crashes of Postgres', postgres.restarts);
        for (const [what, times] of Object.entries(queue.counts())) book.count(what, times);
        book.count('webhooks that a dead process did not take', fleet.passedOn);
      },
      stop: () => fleet.stop(),
      close,
    };
  };

/** As `nightdesk handback` does it beside running servers, for many at once. */
async function handBack(url: string, conversations: readonly ConversationRef[]): Promise<void> {
  if (conversations.length === 0) return;
  const env = { DATABASE_URL: url, NIGHTDESK_SECRET_KEY: secretKey, WHATSAPP_APP_SECRET: 'app secret' };
  const config = { ...(await readConfig({ env, folder: '/nowhere' })), roles: [] };
  await withStore(config, { readTenants: false }, async (nightdesk) => {
    for (const ref of conversations) await runCommand(nightdesk, 'handback', { ...ref, by: 'ann' });
  });
}

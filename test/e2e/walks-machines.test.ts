/**
 * Customers walk through the gift shop on several processes, scaled down: servers are killed one after another, Postgres is crashed twice,
 * Redis comes back empty. Figures are those of `npm run proof -- walks --machines`; here only what must hold at any speed.
 */
import { expect, test } from 'vitest';
import { canOwnPostgres } from '../proof/machines/own-postgres.ts';
import { canOwnRedis } from '../proof/machines/own-redis.ts';
import { openManyProcesses } from '../proof/walks/many-processes.ts';
import { walkForReal } from '../proof/walks/real-walk.ts';

/** Some customers do not meet everything; without these a run proves nothing. */
const needed = [
  ...['kills', 'kills while it draws', 'crashes of Postgres', 'webhooks doubled', 'webhooks tried again'],
  ...['taps', 'double taps', 'charges', 'settled'],
];

const isHere = canOwnPostgres() && canOwnRedis();

test.skipIf(!isHere)(
  'I7 I9 the gift shop on many processes over BullMQ: charges are settled entries',
  {
    timeout: 420_000,
  },
  async () => {
    const { problems, missing } = await walkForReal(
      { seed: 41, customers: 25, honoursKeys: true, customersPerSecond: 2, acts: 10 },
      openManyProcesses({
        wake: 'bullmq',
        limits: { uncertainWindowMs: 20_000, uncertainWindowAfterErrorMs: 10_000, sweepEveryMs: 2_000 },
      }),
    );
    expect(problems).toEqual([]);
    expect(needed.filter((what) => missing.includes(what))).toEqual([]);
  },
);

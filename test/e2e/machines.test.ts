/**
 * The run with many processes, scaled down: on a Postgres of its own, which is crashed twice, with servers that are killed one after
 * another, with a Redis that comes back empty, and with tasks that come twice. Figures are those of `npm run proof -- machines`; here only what must hold at any speed.
 */
import { expect, test } from 'vitest';
import { checksOf } from '../proof/machines/main.ts';
import { canOwnPostgres } from '../proof/machines/own-postgres.ts';
import { wakes } from '../proof/machines/own-queue.ts';
import { canOwnRedis } from '../proof/machines/own-redis.ts';
import { runMachines } from '../proof/machines/run.ts';

const isHere = canOwnPostgres() && canOwnRedis();

test.skipIf(!isHere).each(wakes)(
  'I1 I2 I3 I5 I6 I9 many processes, wake %s: nothing lost, twice, out of order or too fast',
  {
    timeout: 240_000,
  },
  async (wake) => {
    const report = await runMachines({
      ...{ seed: 21, wake, messages: 400, contacts: 100, tenants: 6, messagesPerSecond: 16 },
      ...{ webhooks: 2, workers: 2, settleMs: 120_000 },
      limits: { uncertainWindowMs: 20_000, uncertainWindowAfterErrorMs: 10_000, sweepEveryMs: 2_000 },
      sweepCallsEveryMs: 2_000,
    });
    // How many are held for a person says how quickly this machine brings back what was killed.
    const missed = checksOf(report, { heldShareMax: 1 }).filter(({ reached }) => !reached);
    expect(missed.map(({ rule, figure }) => `${rule}: ${figure}`)).toEqual([]);
  },
);

test.skipIf(!isHere)(
  'I1 I2 I3 I9 another version is deployed over, one process after another, while customers write',
  {
    timeout: 240_000,
  },
  async () => {
    const report = await runMachines({
      ...{ seed: 22, wake: 'local', messages: 300, contacts: 100, tenants: 6, messagesPerSecond: 12 },
      ...{ webhooks: 2, workers: 2, settleMs: 120_000, deploy: true },
      limits: { uncertainWindowMs: 20_000, uncertainWindowAfterErrorMs: 10_000, sweepEveryMs: 2_000 },
    });
    const missed = checksOf(report, { heldShareMax: 1, deploy: true });
    expect(missed.filter(({ reached }) => !reached).map(({ rule, figure }) => `${rule}: ${figure}`)).toEqual(
      [],
    );
  },
);

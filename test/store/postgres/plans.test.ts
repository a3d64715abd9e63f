/** What a hot statement costs does not grow with what was answered before; `npm run proof -- plans` shows it for many more rows. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compareStores, type Figures, hasGrown } from '../../proof/plans/compare.ts';
import { isPostgresHere, makeSchema, postgresUrl } from './server.ts';

const doors = [
  ...['append', 'take_conversations', 'commit_turns', 'renew_leases', 'read_histories', 'begin_attempts'],
  ...['settle_activities', 'grant_sends', 'settle_sends', 'record_statuses', 'find_work', 'fire_timers'],
  ...['resolve_uncertain', 'read_stats'],
];

describe.skipIf(!(await isPostgresHere()))('hot statements beside old rows', () => {
  let figures: Figures;
  let ofNewStore: Figures;

  beforeAll(async () => {
    figures = await compare({ conversations: 40_000 });
    ofNewStore = await compare({ conversations: 5_000, startsAnalyzed: false });
  }, 120_000);

  it('calls every hot function', () => {
    expect(figures.events).toBeGreaterThan(160_000);
    expect([...new Set(figures.newPlans.flatMap((each) => each.doors))].sort()).toEqual(doors.sort());
  });

  describe.each([
    ['of a process that began on a new store, which nobody had analyzed', () => ofNewStore.oldPlans],
    ['of a process that began while the store was almost empty', () => figures.oldPlans],
    ['of a process that began when it was full', () => figures.newPlans],
  ] as const)('%s', (_, read) => {
    it('read no table and no index of old rows from end to end', () => {
      expect(read().filter(({ wholeReads }) => wholeReads.length > 0)).toEqual([]);
    });

    it('cost at most 1.2 times the buffers of an almost empty store with indexes as high', () => {
      expect(read().filter(hasGrown)).toEqual([]);
    });
  });
});

async function compare(given: { conversations: number; startsAnalyzed?: boolean }): Promise<Figures> {
  const { conversations, ...options } = given;
  const schema = await makeSchema('plans');
  try {
    const place = { url: postgresUrl, schema: schema.name, functionsSchema: schema.functionsSchema };
    return await compareStores(place, { conversations, messagesEach: 4 }, options);
  } finally {
    await schema.drop();
  }
}

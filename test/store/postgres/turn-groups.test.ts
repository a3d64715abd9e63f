/** Members of one group of turns are written together: each must end as if one had come after another. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewActivity, Taken, TakenConversation } from '#core/ports/store.ts';
import { owner } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { openTwoStores, type TwoStores } from './two-stores.ts';

const isTaken = (each: Taken): each is TakenConversation => each.outcome === 'taken';
const isHere = await isPostgresHere();
let schema: TestSchema;
let two: TwoStores;

const cost = { currency: 'USD', amountMicros: 100, onUncertain: 'retryWithKey', late: 'discard' } as const;

function starts(activityId: string, max: number, paid = false): NewActivity {
  const claim = { limit: 'shared', scope: 'all', windowMs: 1_000_000, max, amount: 1 };
  const activity = { activityId, name: 'draw', input: null, deadlineMs: 5, claims: [claim] };
  return paid ? { ...activity, cost } : activity;
}

async function takeNewcomers(count: number): Promise<TakenConversation[]> {
  const refs = await two.newcomers(count);
  const taken = await two.stores[0].takeConversations({ refs, ownerId: owner, nowMs: two.scene.nowMs });
  return taken.filter(isTaken);
}

/** In one group, in this order. */
async function commitAll(commits: Parameters<TwoStores['scene']['store']['commitTurn']>[0][]) {
  return Promise.all(commits.map((commit) => two.stores[0].commitTurn(commit)));
}

const counters = () => schema.query('SELECT used, refused, max_last FROM limit_counter ORDER BY limit_name');

describe.skipIf(!isHere)('groups of turns', () => {
  beforeAll(async () => {
    schema = await makeSchema('turn_groups');
  });
  beforeEach(async () => {
    two = await openTwoStores(schema);
  });
  afterEach(() => two.close());
  afterAll(() => schema.drop());

  it('I7: what is left of a limit that they share is taken in their order', async () => {
    const commits = (await takeNewcomers(5)).map((each, at) =>
      two.scene.commitOf(each, { activities: [starts(`act_${at}`, at === 4 ? Infinity : 2)] }),
    );
    const committed = await commitAll(commits);
    expect(committed.map(({ outcome }) => outcome)).toEqual([
      ...['committed', 'committed', 'refused', 'refused', 'committed'],
    ]);
    expect(await counters()).toEqual([{ used: '3', refused: '2', max_last: null }]);
    expect(await schema.query('SELECT activity_id FROM activity ORDER BY 1')).toEqual(
      ['act_0', 'act_1', 'act_4'].map((activity_id) => ({ activity_id })),
    );
    const again = await commitAll(commits.slice(2, 4));
    expect(again.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
  });

  it('I7: where all of them fit, the counter has the sum and what the last one was allowed', async () => {
    const commits = (await takeNewcomers(3)).map((each, at) =>
      two.scene.commitOf(each, { activities: [starts(`act_${at}`, 10 - at)] }),
    );
    expect((await commitAll(commits)).map(({ outcome }) => outcome)).toEqual(Array(3).fill('committed'));
    expect(await counters()).toEqual([{ used: '3', refused: '0', max_last: '8' }]);
  });

  it('I7: what one gives back, the next may take', async () => {
    const { scene } = two;
    const [first, second] = await takeNewcomers(2);
    await scene.commit(first!, { activities: [starts('act_first', 1, true)] });
    await scene.say('never mind', { from: { bsuid: 'US.1' } });
    const again = await scene.take(first!.lease.ref);
    const committed = await commitAll([
      scene.commitOf(again, { cancelledActivities: ['act_first'] }),
      scene.commitOf(second!, { activities: [starts('act_second', 1, true)] }),
    ]);
    expect(committed.map(({ outcome }) => outcome)).toEqual(['committed', 'committed']);
    expect(await counters()).toEqual([{ used: '1', refused: '0', max_last: '1' }]);
  });

  it('I4: a turn that stands twice in a group is written once and heard twice', async () => {
    const { scene } = two;
    const [first, second] = await takeNewcomers(2);
    const commit = scene.commitOf(first!, {
      sends: [scene.newSend('one')],
      activities: [{ ...starts('act_1', 5), claims: [] }],
    });
    const [heard, other, again] = await commitAll([commit, scene.commitOf(second!), commit]);
    expect(heard).toMatchObject({ outcome: 'committed', activities: [{ activityId: 'act_1' }] });
    expect(other).toMatchObject({ outcome: 'committed', sends: [] });
    expect(again).toEqual(heard);
    expect(await schema.query('SELECT FROM send')).toHaveLength(1);
  });

  it('I3: a conversation that stands twice in a group is taken once', async () => {
    const [one, other] = await two.newcomers(2);
    const refs = [one!, other!, one!];
    const taken = await two.stores[0].takeConversations({ refs, ownerId: owner, nowMs: two.scene.nowMs });
    expect(taken.map(({ outcome }) => outcome)).toEqual(['taken', 'taken', 'leased']);
    expect(await schema.query('SELECT fence FROM conversation')).toEqual([{ fence: '1' }, { fence: '1' }]);
  });

  it('I9: of two flags of a group each end names the open one of its own conversation', async () => {
    const { scene } = two;
    const flags = (flagId: string) => [{ flagId, reason: 'customerAsked', detail: null } as const];
    const ends = (endRef: string) => [{ end: 'flagged', endRef, through: 1 } as const];
    const [first, second] = await takeNewcomers(2);
    await commitAll([
      scene.commitOf(first!, { flags: flags('flg_a'), ends: ends('flg_a') }),
      scene.commitOf(second!, { flags: flags('flg_b'), ends: [...ends('flg_b'), ...ends('later')] }),
    ]);
    const events = await schema.query('SELECT ending, end_ref FROM event ORDER BY end_ref');
    expect(events).toEqual(['flg_a', 'flg_b'].map((end_ref) => ({ ending: 'flagged', end_ref })));
  });

  it('I8: ends of activities of one conversation follow one another, and the second of one is late', async () => {
    const { scene, stores } = two;
    const [taken] = await takeNewcomers(1);
    const { ref } = taken!.lease;
    await scene.commit(taken!, {
      activities: ['act_1', 'act_2'].map((id) => ({ ...starts(id, 5), claims: [] })),
    });
    const settled = await Promise.all(
      ['act_1', 'act_2', 'act_1', 'act_unknown'].map((activityId) =>
        stores[0].settleActivity({ ref, activityId, ownerId: owner, nowMs: scene.nowMs, result: activityId }),
      ),
    );
    expect(settled).toEqual([
      { outcome: 'stored', position: 2 },
      { outcome: 'stored', position: 3 },
      { outcome: 'late' },
      { outcome: 'late' },
    ]);
    const { events } = await scene.take(ref);
    expect(events.map(({ content }) => content)).toEqual([
      { activityId: 'act_1', result: 'act_1' },
      { activityId: 'act_2', result: 'act_2' },
    ]);
  });

  it('histories that are read by one call are each their own', async () => {
    const { scene, stores } = two;
    const taken = await takeNewcomers(3);
    for (const [at, each] of taken.entries())
      await scene.commit(each, { sends: [scene.newSend(`to ${at}`)] });
    const histories = await Promise.all(
      taken.map(({ lease: { ref } }) => stores[0].readHistory({ ref, throughFence: 9, max: 9 })),
    );
    expect(histories.map((entries) => entries.map(({ text }) => text))).toEqual(
      taken.map((_, at) => ['hello', `to ${at}`]),
    );
  });
});

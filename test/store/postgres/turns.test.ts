/** Turns of several processes at once: what SQLite has by its one writer, Postgres must have by locks and fences. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '#core/limits.ts';
import type { Taken, TakenConversation } from '#core/ports/store.ts';
import { nth, otherOwner, owner, phoneNumber } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { openTwoStores, type TwoStores } from './two-stores.ts';

const isHere = await isPostgresHere();
const rounds = 12;
let schema: TestSchema;
let two: TwoStores;

const isTaken = (each: Taken): each is TakenConversation => each.outcome === 'taken';

/** Everything that waits is taken and committed. */
async function finish(taken: readonly TakenConversation[]): Promise<void> {
  await Promise.all(
    taken.map(async (each) => {
      const { outcome } = await two.either().commitTurn(two.scene.commitOf(each));
      expect(outcome).toBe('committed');
    }),
  );
}

describe.skipIf(!isHere)('turns of two processes', () => {
  beforeAll(async () => {
    schema = await makeSchema('turns');
  });
  beforeEach(async () => {
    two = await openTwoStores(schema);
  });
  afterEach(() => two.close());
  afterAll(() => schema.drop());

  it('I3: who take the same conversations at once take each of them once', async () => {
    const { scene, stores, shuffled, newcomers } = two;
    for (let round = 0; round < rounds; round++) {
      const refs = await newcomers(30);
      const takes = [...stores, ...stores].map((store, i) =>
        store.takeConversations({
          refs: shuffled(refs),
          ownerId: i % 2 === 0 ? owner : otherOwner,
          nowMs: scene.nowMs,
        }),
      );
      const outcomes = (await Promise.all(takes)).flat();
      const taken = outcomes.filter(isTaken);
      expect(taken.map(({ lease }) => lease.ref.conversationId).sort()).toEqual(
        refs.map((ref) => ref.conversationId).sort(),
      );
      // Whoever came too late looks again soon, or not at all: the owner of the lease does.
      for (const each of outcomes)
        if (each.outcome === 'notDue') expect(each.dueAtMs).toBe(scene.nowMs + limits.lockedAgainMs);
        else expect(['taken', 'leased']).toContain(each.outcome);
      await finish(taken);
    }
  });

  it('a conversation that somebody changes is not waited for, and looked at again soon', async () => {
    const { scene } = two;
    const [ref] = await two.newcomers(1);
    const take = () => scene.store.takeConversations({ refs: [ref!], ownerId: owner, nowMs: scene.nowMs });
    await schema.query('BEGIN');
    await schema.query('SELECT FROM conversation WHERE conversation_id = $1 FOR UPDATE', [
      ref?.conversationId,
    ]);
    expect(await take()).toEqual([{ outcome: 'notDue', ref, dueAtMs: scene.nowMs + limits.lockedAgainMs }]);
    await schema.query('ROLLBACK');
    await finish((await take()).filter(isTaken));
  });

  it('I4: an owner who was paused beyond its lease commits nothing, however often it tries', async () => {
    const { scene, stores } = two;
    const [ref] = await two.newcomers(1);
    const paused = await scene.take(ref!);
    scene.advance(limits.leaseTtlMs);
    const [taken] = (
      await stores[1].takeConversations({ refs: [ref!], ownerId: otherOwner, nowMs: scene.nowMs })
    ).filter(isTaken);
    const late = scene.commitOf(paused, { sends: [scene.newSend('late')], dialogState: '"late"' });
    expect(await stores[0].commitTurn(late)).toEqual({ outcome: 'fenceOld' });
    await stores[1].commitTurn(scene.commitOf(taken!, { dialogState: '"newer"' }));
    expect(await stores[0].commitTurn(late)).toEqual({ outcome: 'fenceOld' });
    expect(await schema.query('SELECT dialog_state FROM conversation')).toEqual([
      { dialog_state: '"newer"' },
    ]);
    expect(await schema.query('SELECT FROM send')).toEqual([]);
  });

  it('I4: of a commit and a take after the lease, at once, one has the events', async () => {
    const { scene, stores, newcomers } = two;
    for (let round = 0; round < rounds; round++) {
      const refs = await newcomers(8);
      const first = await stores[0].takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
      scene.advance(limits.leaseTtlMs);
      const [commits, retaken] = await Promise.all([
        Promise.all(first.filter(isTaken).map((each) => stores[0].commitTurn(scene.commitOf(each)))),
        stores[1].takeConversations({ refs, ownerId: otherOwner, nowMs: scene.nowMs }),
      ]);
      for (const [i, commit] of commits.entries()) {
        const isRetaken = nth(retaken, i).outcome === 'taken';
        expect(commit.outcome).toBe(isRetaken ? 'fenceOld' : 'committed');
      }
      await finish(retaken.filter(isTaken));
    }
  });

  it('I4: one turn that is committed twice at once is written once and heard twice', async () => {
    const { scene, stores, newcomers } = two;
    for (let round = 0; round < rounds; round++) {
      const [ref] = await newcomers(1);
      const activityId = `act_${round}`;
      const commit = scene.commitOf(await scene.take(ref!), {
        sends: [scene.newSend('one'), scene.newSend('two')],
        activities: [{ activityId, name: 'reply', input: { n: 1 }, deadlineMs: 5, claims: [] }],
      });
      const [heard, again] = await Promise.all(stores.map((store) => store.commitTurn(commit)));
      expect(heard).toMatchObject({ outcome: 'committed', activities: [{ activityId, input: { n: 1 } }] });
      expect(again).toEqual(heard);
      expect(
        await schema.query('SELECT ordinal FROM send WHERE conversation_id = $1 ORDER BY ordinal', [
          ref?.conversationId,
        ]),
      ).toEqual([{ ordinal: '1' }, { ordinal: '2' }]);
    }
  });

  it('I4: a member of a group that is refused or cannot be written leaves its neighbours untouched', async () => {
    const { scene, stores } = two;
    const refs = await two.newcomers(4);
    const taken = (await stores[0].takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs })).filter(
      isTaken,
    );
    const twice = scene.newSend('twice');
    const none = { limit: 'none', scope: '', windowMs: 1_000, max: 0, amount: 1 };
    const refused = { activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [none] };
    const stale = nth(taken, 0);
    const results = await Promise.allSettled([
      stores[0].commitTurn({
        ...scene.commitOf(stale),
        lease: { ...stale.lease, fence: stale.lease.fence - 1 },
      }),
      stores[0].commitTurn(scene.commitOf(nth(taken, 1), { sends: [twice, twice] })),
      stores[0].commitTurn(scene.commitOf(nth(taken, 2), { activities: [refused] })),
      stores[0].commitTurn(scene.commitOf(nth(taken, 3), { sends: [scene.newSend('fine')] })),
    ]);
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value.outcome : 'thrown'))).toEqual([
      'fenceOld',
      'thrown',
      'refused',
      'committed',
    ]);
    await finish(taken.slice(0, 3));
    expect(await schema.query('SELECT FROM send')).toHaveLength(1);
  });

  it('what a turn writes into a conversation stands in no index, so that its updates write none', async () => {
    const indexes = await schema.query<{ definition: string }>(
      "SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = 'conversation'::regclass",
    );
    const written = /lease|fence|due_at|first_open|position_next|ordinal_next|state|last_at|committed/;
    expect(indexes.map(({ definition }) => definition).filter((each) => written.test(each))).toEqual([]);
  });

  it('timers that two processes fire at once fire once each, in order', async () => {
    const { scene, stores, newcomers } = two;
    const refs = await newcomers(20);
    const taken = await stores[0].takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
    await Promise.all(
      taken.filter(isTaken).map((each) => {
        const timers = ['a', 'b', 'c'].map((timerId, i) => ({
          ...{ timerId, token: '1' },
          dueAtMs: scene.nowMs + i,
        }));
        return stores[0].commitTurn(scene.commitOf(each, { timers }));
      }),
    );
    scene.advance(10);
    let isDone = false;
    while (!isDone) {
      const fired = await Promise.all(
        [...stores, ...stores].map((store) => store.fireTimers({ nowMs: scene.nowMs, max: 7 })),
      );
      isDone = fired.every(({ nextTimerAtMs }) => nextTimerAtMs === null);
    }
    const events = await stores[1].takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
    for (const each of events.filter(isTaken))
      expect(each.events.map(({ content }) => content.timerId)).toEqual(['a', 'b', 'c']);
    expect(events.filter(isTaken)).toHaveLength(20);
  });

  it('what comes in while turns are taken and committed is consumed once, in order', async () => {
    const { scene, shuffled, either } = two;
    const customers = Array.from({ length: 6 }, (_, i) => ({ bsuid: `US.${i}` }));
    const expected = new Map<string, string[]>();
    const got = new Map<string, string[]>();
    const number = phoneNumber();
    for (let round = 0; round < rounds * 2; round++) {
      const messages = shuffled(customers).map((from) => {
        expected.set(from.bsuid, [...(expected.get(from.bsuid) ?? []), `${from.bsuid} ${round}`]);
        return { number, message: scene.message(`${from.bsuid} ${round}`, { from }) };
      });
      const known = await schema.query<{ tenantId: string; conversationId: string }>(
        'SELECT tenant_id AS "tenantId", conversation_id AS "conversationId" FROM conversation',
      );
      const turn = async () => {
        const refs = shuffled(known);
        const taken = await either().takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
        await Promise.all(
          taken.filter(isTaken).map(async (each) => {
            await either().commitTurn(scene.commitOf(each));
            for (const { content } of each.events) {
              const [who = ''] = String(content.text).split(' ');
              got.set(who, [...(got.get(who) ?? []), String(content.text)]);
            }
          }),
        );
      };
      await Promise.all([either().append(scene.batch({ messages })), turn(), turn()]);
    }
    const refs = await schema.query<{ tenantId: string; conversationId: string }>(
      'SELECT tenant_id AS "tenantId", conversation_id AS "conversationId" FROM conversation',
    );
    const rest = await scene.store.takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
    for (const each of rest.filter(isTaken))
      for (const { content } of each.events) {
        const [who = ''] = String(content.text).split(' ');
        got.set(who, [...(got.get(who) ?? []), String(content.text)]);
      }
    expect(got).toEqual(expected);
  });
});

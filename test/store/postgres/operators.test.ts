/** What people do while processes work on the same conversation, which on one file can never happen at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendRef } from '#core/model/sends.ts';
import { everyState, nth, owner, type Scene, wide } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { onTwoStores } from './two-stores.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

const bsuids = Array.from({ length: 8 }, (_, index) => `US.${index}`);

/** One conversation of each customer, with a message that nobody has taken. */
function hear(scene: Scene, words: string): Promise<ConversationRef[]> {
  return Promise.all(bsuids.map((bsuid) => scene.say(words, { from: { bsuid } })));
}

describe.skipIf(!isHere)('people beside processes, on Postgres', () => {
  beforeAll(async () => {
    schema = await makeSchema('operators');
  });
  afterAll(() => schema.drop());

  it('I4: nothing of a turn that is committed during a take-over leaves behind the back of the operator', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (let round = 1; round <= 12; round++) {
        const refs = await hear(scene, `round ${round}`);
        const turns = await Promise.all(refs.map((ref) => scene.take(ref)));
        const committed = turns.map((taken, index) => {
          const send = scene.newSend('said');
          const activityId = `act_${round}_${index}`;
          return mine.commitTurn(
            scene.commitOf(taken, {
              sends: [send],
              activities: [{ activityId, name: 'x', input: null, deadlineMs: 1, claims: [] }],
              timers: [{ timerId: 't', token: '1', dueAtMs: scene.nowMs }],
              ends: [{ end: 'answered', endRef: send.sendId, through: Number.MAX_SAFE_INTEGER }],
            }),
          );
        });
        const takenOver = refs.map((ref) => other.takeOver({ ref, by: 'ann', nowMs: scene.nowMs }));
        await Promise.all([...committed, ...takenOver]);
        expect(await other.listSends({ states: ['queued', 'sending'], max: 99 })).toEqual([]);
        expect(await schema.query("SELECT 1 FROM activity WHERE state = 'running'")).toEqual([]);
        expect(await schema.query('SELECT 1 FROM timer')).toEqual([]);
        const { byEnd, missing } = await scene.audit();
        expect({ byEnd, missing }).toEqual({ byEnd: { seenByOperator: round * refs.length }, missing: [] });
        await Promise.all(refs.map((ref) => other.handBack({ ref, by: 'ann', nowMs: scene.nowMs })));
        for (const ref of refs) await scene.commit(await scene.take(ref));
      }
    }));

  it('I5: a send of the bot that is granted during a take-over leaves once at most, and does not leave again when it comes back', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (let round = 1; round <= 8; round++) {
        const refs = await hear(scene, `round ${round}`);
        const sends = (await Promise.all(refs.map((ref) => scene.answer(ref, 'one', 'two')))).flat();
        const leave = async (send: SendRef) => {
          const [granted] = await mine.grantSends({
            ...{ ownerId: owner, nowMs: scene.nowMs, sends: [send] },
            rulesOf: () => wide,
          });
          if (granted?.outcome !== 'granted') return;
          const outcome = {
            kind: 'retryLater' as const,
            atMs: scene.nowMs,
            pace: null,
            countsAsAttempt: true,
          };
          const settlement = { send, attempt: granted.attempt, outcome: { ...outcome, errorCode: 130429 } };
          await mine.settleSends({ nowMs: scene.nowMs, settlements: [settlement] });
        };
        await Promise.all([
          ...sends.map(leave),
          ...refs.map((ref) => other.takeOver({ ref, by: 'ann', nowMs: scene.nowMs })),
        ]);
        const rows = await other.listSends({ states: everyState, max: 9999 });
        expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['withdrawn']));
        await scene.assertNothingMissing();
        await Promise.all(refs.map((ref) => other.handBack({ ref, by: 'ann', nowMs: scene.nowMs })));
        for (const ref of refs) await scene.commit(await scene.take(ref));
      }
    }));

  it('I4: who takes over a conversation that is merged away meanwhile holds the one that is left', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (let round = 1; round <= 12; round++) {
        const [phone, bsuid] = [`1555000${1000 + round}`, `US.${round}`];
        const refs = [
          await scene.say('by phone', { from: { phone } }),
          await scene.say('by id', { from: { bsuid } }),
        ];
        const both = scene.message('I am both', { from: { phone, bsuid } });
        const [, ...taken] = await Promise.all([
          mine.append(scene.batch({ messages: [{ number: scene.number, message: both }] })),
          ...refs.map((ref) => other.takeOver({ ref, by: 'ann', nowMs: scene.nowMs })),
        ]);
        expect(taken.length).toBe(2);
        const left = await scene.conversationOf({ bsuid });
        expect(await scene.conversationOf({ phone })).toEqual(left);
        expect(await scene.takeOutcome(left)).toBe('held');
        await scene.assertNothingMissing();
      }
    }));

  it('I3: of what comes during a hand-back nothing is lost or taken twice, and the dialog is told all that was said before it', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (let round = 1; round <= 12; round++) {
        const ref = await scene.say(`before ${round}`);
        await other.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
        const said = Array.from({ length: 4 }, (_, index) => `during ${round}, ${index}`);
        await Promise.all([
          ...said.map((words) =>
            mine.append(scene.batch({ messages: [{ number: scene.number, message: scene.message(words) }] })),
          ),
          other.handBack({ ref, by: 'ann', nowMs: scene.nowMs }),
        ]);
        const taken = await scene.take(ref);
        const words = taken.events.flatMap(({ content }) => content.text ?? []);
        expect(words.sort()).toEqual(said);
        const handedBack = taken.events.find(({ kind }) => kind === 'handedBack');
        const told = handedBack?.content.transcript?.map(({ text }) => text);
        for (const { position, content } of taken.events)
          if (content.text !== undefined && position < (handedBack?.position ?? 0))
            expect(told).toContain(content.text);
        expect(told).toContain(`before ${round}`);
        const through = Number.MAX_SAFE_INTEGER;
        await scene.commit(taken, { ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through }] });
      }
    }));

  it('I5: words of two operators at once leave one after another', () =>
    onTwoStores(schema, async ({ scene, stores }) => {
      const ref = await scene.say('hello');
      const replies = Array.from({ length: 10 }, (_, index) =>
        nth(stores, index % 2).replyAsOperator({
          ...{ ref, by: 'ann', nowMs: scene.nowMs },
          sends: [scene.newSend(`word ${index}`, { origin: 'operator', priority: 'operator' })],
        }),
      );
      await Promise.all(replies);
      const places = await schema.query<{ ordinal: string }>('SELECT ordinal FROM send ORDER BY ordinal');
      expect(places.map(({ ordinal }) => Number(ordinal))).toEqual(replies.map((_, index) => index + 1));
    }));

  it('I9: a dead letter that two people drive again at once is driven once', () =>
    onTwoStores(schema, async ({ scene, stores }) => {
      const ref = await scene.say('poison');
      const taken = await scene.take(ref);
      await scene.commit(taken, {
        consumed: [{ position: 1, end: 'deadLetter' }],
        deadLetters: [{ deadLetterId: 'dlt_1', position: 1, fault: 'guard threw' }],
      });
      const given = { tenantId: 'acme', deadLetterId: 'dlt_1', by: 'ann', nowMs: scene.nowMs };
      const driven = await Promise.allSettled(
        [0, 1, 0, 1].map((at) => nth(stores, at).redriveDeadLetter(given)),
      );
      const refused = driven.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      expect(refused.map((reason) => isFault(reason, 'conflict'))).toEqual([true, true, true]);
      expect(await schema.query('SELECT position FROM event WHERE ending IS NULL')).toEqual([
        { position: '2' },
      ]);
    }));

  it('I9: one reason is one flag, whoever raises and resolves it at once', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (let round = 1; round <= 10; round++) {
        const refs = await hear(scene, `round ${round}`);
        const turns = await Promise.all(refs.map((ref) => scene.take(ref)));
        const raised = turns.map((taken) => {
          const flagId = scene.id('flg');
          const flags = [{ flagId, reason: 'replyTimeout' as const, detail: null }];
          const ends = [{ end: 'flagged' as const, endRef: flagId, through: Number.MAX_SAFE_INTEGER }];
          return mine.commitTurn(scene.commitOf(taken, { flags, ends }));
        });
        const resolved = refs.map(({ tenantId, conversationId }) =>
          other.resolveFlags({ tenantId, conversationId, by: 'ann', nowMs: scene.nowMs }),
        );
        await Promise.all([...raised, ...resolved]);
        await scene.assertNothingMissing();
      }
      const rows = await schema.query<{ total: string }>('SELECT sum(count) AS total FROM flag');
      expect(Number(rows[0]?.total)).toBe(10 * bsuids.length);
    }));

  it('counts what failed up to its limit, and estimates conversations from some pages of them', async () => {
    await schema.wipe();
    await schema.query(`INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, created_at_ms, state_label)
      SELECT 'acme', 'cnv_' || n, '100', 'waba', 'ctc_' || n, 0, CASE n % 4 WHEN 0 THEN 'shop/paying' ELSE 'shop/browsing' END
      FROM generate_series(1, 20000) AS n`);
    const counted = async (pagesMax: number) => {
      const [row] = await schema.query<{ states: { label: string; count: number }[] }>(
        'SELECT _count_states($1) AS states',
        [pagesMax],
      );
      return row?.states ?? [];
    };
    expect(await counted(100_000)).toEqual([
      { label: 'shop/browsing', count: 15_000 },
      { label: 'shop/paying', count: 5_000 },
    ]);
    const estimate = await counted(40);
    expect(estimate.map(({ label }) => label)).toEqual(['shop/browsing', 'shop/paying']);
    const total = estimate.reduce((sum, { count }) => sum + count, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(40_000);
    await schema.query(`INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, priority, origin, body, uncertain_policy, fence, created_at_ms, updated_at_ms)
      SELECT 'acme', 'snd_' || n, 'cnv_1', '100', n, 'failed', 'reply', 'dialog', '{}', 'holdForPerson', 1, 0, 0 FROM generate_series(1, 50) AS n`);
    expect(await schema.query('SELECT _count_sends(20) AS sends')).toEqual([{ sends: { failed: 20 } }]);
  });
});

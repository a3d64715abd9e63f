/**
 * Statuses and answers in groups come to what they come to alone. Usual statuses are written all at once; they lock the rows of their sends and
 * nothing else, so whoever has the conversation does not hold them up, and what changes meanwhile is seen.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { SendRef, SendsSettled, StatusesRecorded } from '#core/ports/store.ts';
import { accepted, nth, owner, wide } from '#testing/store-conformance/scene.ts';
import { queueSends } from './queued-sends.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { openTwoStores, type TwoStores } from './two-stores.ts';

let schema: TestSchema;
let two: TwoStores;

const queue = (phoneNumberId: string, conversations: number, sends: number) =>
  queueSends(schema, two.scene.nowMs, { phoneNumberId, conversations, sends });

/** A lane whose first send was accepted. */
async function acceptedHead(sends: number): Promise<SendRef[]> {
  const lane = await queue('100', 1, sends);
  await schema.query("UPDATE send SET state = 'accepted', wamid = 'wamid.' || send_id WHERE ordinal = 1");
  return lane;
}

/** For a transaction that stays open meanwhile. */
async function otherConnection() {
  const other = await schema.connect();
  onTestFinished(() => other.end());
  return other;
}

interface ToldStatus {
  kind: 'sent' | 'delivered' | 'read' | 'played' | 'failed';
  wamid: string;
  opaque?: string;
  phoneNumberId?: string;
  atMs?: number;
  errors?: { code: number }[];
}

function tell(told: readonly ToldStatus[], store = two.either()): Promise<StatusesRecorded> {
  const statuses = told.map(({ kind, ...more }) => ({
    tenantId: 'acme',
    status: two.scene.status(kind, more),
  }));
  return store.recordStatuses({ receivedAtMs: two.scene.nowMs, statuses });
}

/** Lanes that may go on are told once or more often. */
function sumOf(told: readonly StatusesRecorded[]) {
  const sum = (of: (each: StatusesRecorded) => number) => told.reduce((total, each) => total + of(each), 0);
  const places = (of: (each: StatusesRecorded) => string[]) =>
    told
      .flatMap(of)
      .map((id) => id.slice(-4))
      .sort();
  return {
    applied: sum((each) => each.applied),
    duplicates: sum((each) => each.duplicates),
    unmatched: sum((each) => each.unmatched),
    proven: places((each) => each.provenSends),
    provenDuplicates: sum((each) => each.provenDuplicates),
    failed: sum((each) => each.failed),
    freed: [...new Set(places((each) => each.freed.map(({ sendId }) => sendId)))],
  };
}

describe.skipIf(!(await isPostgresHere()))('statuses and answers in groups', () => {
  beforeAll(async () => {
    schema = await makeSchema('sendgroups');
  });
  afterAll(() => schema.drop());
  beforeEach(async () => {
    two = await openTwoStores(schema, 11);
  });
  afterEach(() => two.close());

  it('a usual status waits for nobody who has the conversation', async () => {
    const [send] = await acceptedHead(1);
    const other = await otherConnection();
    await other.query('BEGIN; SELECT FROM conversation FOR UPDATE');
    const recorded = await tell([{ kind: 'delivered', wamid: `wamid.${send?.sendId}` }]);
    expect(recorded.applied).toBe(1);
  });

  it('a send that changes while a usual status of it waits is looked at anew', async () => {
    const [send] = await acceptedHead(1);
    const other = await otherConnection();
    await other.query("BEGIN; UPDATE send SET state = 'failed' WHERE wamid IS NOT NULL");
    const recorded = tell([{ kind: 'delivered', wamid: `wamid.${send?.sendId}` }]);
    await schema.blocked();
    await other.query('COMMIT');
    expect(await recorded).toMatchObject({ applied: 1, duplicates: 0 });
    expect(await schema.query('SELECT state, delivery, why FROM send WHERE wamid IS NOT NULL')).toEqual([
      {
        ...{ state: 'accepted', delivery: 'delivered' },
        why: 'delivered after it was reported as failed',
      },
    ]);
  });

  it('a grant that waits for a delivery sees the status that is being written', async () => {
    const [, next] = await acceptedHead(2);
    const other = await otherConnection();
    await other.query("BEGIN; UPDATE send SET delivery = 'delivered' WHERE wamid IS NOT NULL");
    const granted = two.either().grantSends({
      ...{ ownerId: owner, nowMs: two.scene.nowMs, sends: next === undefined ? [] : [next] },
      rulesOf: () => ({ ...wide, waitDeliveredMs: 60_000 }),
    });
    await schema.blocked();
    await other.query('COMMIT');
    expect((await granted).map(({ outcome }) => outcome)).toEqual(['granted']);
  });

  it('where nothing is uncertain a status leaves the row of its number alone', async () => {
    const [send, later] = await acceptedHead(2);
    const statusAt = () => schema.query("SELECT status_at_ms FROM pace WHERE scope = 'number'");
    await tell([{ kind: 'delivered', wamid: `wamid.${send?.sendId}` }]);
    expect(await statusAt()).toEqual([]);
    await schema.query(
      "UPDATE send SET state = 'uncertain', uncertain_since_ms = 1, uncertain_window_ms = 1 WHERE send_id = $1",
      [later?.sendId],
    );
    await tell([{ kind: 'read', wamid: `wamid.${send?.sendId}` }]);
    expect(await statusAt()).toEqual([{ status_at_ms: String(two.scene.nowMs) }]);
  });

  it('statuses in one group come to what they come to one after another', async () => {
    const kinds = ['sent', 'delivered', 'read', 'played', 'failed'] as const;
    for (let round = 0; round < 12; round += 1) {
      await schema.wipe();
      await queue('100', 6, 3);
      await schema.query(
        `UPDATE send SET state = (ARRAY['accepted','accepted','accepted','sending','uncertain','failed','held'])[1 + ($1 + length(send_id) + ordinal + right(conversation_id, 1)::int * 3) % 7],
            attempts = 1, uncertain_since_ms = 1, uncertain_window_ms = 1 WHERE ordinal < 3`,
        [round],
      );
      await schema.query(
        "UPDATE send SET wamid = 'w' || right(send_id, 3) WHERE state IN ('accepted','failed') AND ordinal = 1",
      );
      await schema.query(
        `INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, customer_last_at_ms, ordinal_next, created_at_ms)
          SELECT 'acme', 'cnv_200' || right(conversation_id, 1), '200', waba_id, contact_id, customer_last_at_ms, ordinal_next, created_at_ms FROM conversation`,
      );
      await schema.query(
        `INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, attempts, wamid, priority, origin, body, uncertain_policy,
            uncertain_since_ms, uncertain_window_ms, fence, created_at_ms, updated_at_ms)
          SELECT 'acme', 'snd_200' || right(send_id, 4), 'cnv_200' || right(conversation_id, 1), '200', ordinal, state, attempts, wamid, priority, origin, body, uncertain_policy,
            uncertain_since_ms, uncertain_window_ms, fence, created_at_ms, updated_at_ms FROM send`,
      );
      const statuses = Array.from({ length: 24 }, (_, i) => {
        const at = `${1 + Math.floor(two.random() * 6)}_${1 + Math.floor(two.random() * 2)}`;
        const kind = nth(kinds, Math.floor(two.random() * (two.random() < 0.4 ? 5 : 4)));
        const wamid = two.random() < 0.8 ? `w${at}` : `w${at}x`;
        const errors = two.random() < 0.3 ? { errors: [{ code: 131_000 + i }] } : {};
        return { kind, wamid, at, hasId: two.random() < 0.7, atMs: two.scene.nowMs + i * 1_000, ...errors };
      });
      const of = (phoneNumberId: string) =>
        statuses.map(({ at, hasId, ...each }) => ({
          ...{ ...each, phoneNumberId },
          ...(hasId ? { opaque: `snd_${phoneNumberId}_${at}` } : {}),
        }));
      const group = of('100');
      const together = await Promise.all(
        [0, 8, 16].map((from) => tell(group.slice(from, from + 8), nth(two.stores, 0))),
      );
      const singly = [];
      for (const each of of('200')) singly.push(await tell([each]));
      expect(sumOf(together), `round ${round}`).toEqual(sumOf(singly));
      const [left, right] = await Promise.all(
        ['100', '200'].map((number) =>
          schema.query(
            `SELECT ordinal, right(conversation_id, 1) AS lane, state, delivery, wamid, second_wamid, first_status_at_ms, delivered_at_ms, error_code, why
              FROM send WHERE phone_number_id = $1 ORDER BY 2, 1`,
            [number],
          ),
        ),
      );
      expect(left, `round ${round}`).toEqual(right);
    }
  }, 60_000);

  it('answers in one group come to what they come to one after another', async () => {
    const wamids = ['w', 'w', 'w', 'v'];
    const pair = { scope: 'pair', change: 'backOff' } as const;
    for (let round = 0; round < 12; round += 1) {
      await schema.wipe();
      const both = [await queue('100', 8, 3), await queue('200', 8, 3)];
      await schema.query(
        `UPDATE send SET state = (ARRAY['sending','sending','sending','accepted','uncertain','queued'])[1 + ($1 + right(conversation_id, 1)::int) % 6],
            attempts = 1 + $1 % 2 WHERE ordinal = 1`,
        [round],
      );
      await schema.query(
        "UPDATE send SET wamid = 'w' WHERE ordinal = 1 AND (state = 'accepted' OR right(conversation_id, 1)::int = $1 % 8)",
        [round],
      );
      await schema.query('UPDATE conversation SET pair_failures = $1 % 3, pair_until_ms = 5', [round]);
      if (round % 4 === 0)
        for (const phoneNumberId of ['100', '200'])
          await tell([{ kind: 'delivered', wamid: 'v', phoneNumberId }]);
      const given = Array.from({ length: 12 }, () => {
        const at = Math.floor(two.random() * 8) * 3;
        const answer = accepted(nth(wamids, Math.floor(two.random() * 4)));
        const later = {
          kind: 'retryLater',
          atMs: 7,
          pace: pair,
          errorCode: 4,
          countsAsAttempt: true,
        } as const;
        const unknown = { kind: 'uncertain', why: 'closed', windowMs: 9, errorCode: null } as const;
        const outcome = nth([answer, answer, answer, later, unknown], Math.floor(two.random() * 5));
        return { at, attempt: 1 + Math.floor(two.random() * 2), outcome };
      });
      const settle = (sends: readonly SendRef[], some: typeof given) =>
        nth(two.stores, 0).settleSends({
          nowMs: two.scene.nowMs,
          settlements: some.map(({ at, ...each }) => ({ ...each, send: nth(sends, at) })),
        });
      const [first, second] = [nth(both, 0), nth(both, 1)];
      const together = await Promise.all([0, 4, 8].map((from) => settle(first, given.slice(from, from + 4))));
      const singly = [];
      for (const each of given) singly.push(await settle(second, [each]));
      const told = (answers: readonly SendsSettled[]) => ({
        alreadySettled: answers.reduce((sum, each) => sum + each.alreadySettled, 0),
        provenDuplicates: answers.reduce((sum, each) => sum + each.provenDuplicates, 0),
        freed: [
          ...new Set(answers.flatMap((each) => each.freed.map(({ sendId }) => sendId.slice(-4)))),
        ].sort(),
        uncertain: answers.flatMap((each) => each.uncertain.map(({ send }) => send.sendId.slice(-4))).sort(),
      });
      expect(told(together), `round ${round}`).toEqual(told(singly));
      const [left, right] = await Promise.all(
        ['100', '200'].map((number) =>
          schema.query(
            `SELECT s.ordinal, right(s.conversation_id, 1) AS lane, s.state, s.attempts, s.delivery, s.wamid, s.second_wamid, s.error_code, s.why,
                s.first_status_at_ms, s.not_before_ms, c.pair_failures, c.pair_until_ms
              FROM send s JOIN conversation c USING (tenant_id, conversation_id) WHERE s.phone_number_id = $1 ORDER BY 2, 1`,
            [number],
          ),
        ),
      );
      expect(left, `round ${round}`).toEqual(right);
    }
  }, 60_000);
});

/**
 * Two processes let sends go and hear of them at once, which one file with one writer never shows. Whatever the order in which locks
 * are won: no pace is exceeded by both together and none is lost (I6), a send is granted once and lanes keep their order (I5), a
 * status and the answer that it was faster than find one another, and what is uncertain is decided once (I11).
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { paceOfPerSecond } from '#core/pacing/gcra.ts';
import type { Granted, PaceRules, SendRef } from '#core/ports/store.ts';
import { accepted, nth, otherOwner, owner, wide } from '#testing/store-conformance/scene.ts';
import { queueSends } from './queued-sends.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { openTwoStores, type TwoStores } from './two-stores.ts';

const isHere = await isPostgresHere();
const owners = [owner, otherOwner] as const;
let schema: TestSchema;
let two: TwoStores;

const queue = (phoneNumberId: string, conversations: number, sends: number) =>
  queueSends(schema, two.scene.nowMs, { phoneNumberId, conversations, sends });

/** Both processes ask at once; their clocks agree within some ms, as the database's does with itself. */
async function askBoth(askOf: () => SendRef[], rules: PaceRules): Promise<GrantedSend[]> {
  const asked = owners.map((ownerId, i) => {
    const nowMs = two.scene.nowMs - Math.floor(two.random() * 20);
    return nth(two.stores, i).grantSends({ ownerId, nowMs, sends: askOf(), rulesOf: () => rules });
  });
  return (await Promise.all(asked)).flat().filter((each) => each.outcome === 'granted');
}

type GrantedSend = Extract<Granted, { outcome: 'granted' }>;

/** The most of `times` in any window of `ms`, its end not included. */
function mostIn(times: readonly number[], ms: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, at] of sorted.entries()) {
    while (at - nth(sorted, first) >= ms) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** What the core promises of a pace: fewer than W/T + B grants in any window of W. */
function expectPace(times: readonly number[], { everyMs, burst }: { everyMs: number; burst: number }) {
  for (const windowMs of [1_000, 10_000, 60_000, 300_000, 1_000_000])
    expect(mostIn(times, windowMs)).toBeLessThan(windowMs / everyMs + burst);
}

describe.skipIf(!isHere)('two processes at one outbox', () => {
  beforeAll(async () => {
    schema = await makeSchema('outbox');
  });
  afterAll(() => schema.drop());
  beforeEach(async () => {
    two = await openTwoStores(schema, 7);
  });
  afterEach(() => two.close());

  it('I6: exceed no pace of number, tenant and pair together over thousands of seconds, and lose none', async () => {
    const perSecond = { number: 0.05, tenant: 0.075 };
    const rules = { ...wide, numberPerSecond: perSecond.number, tenantPerSecond: perSecond.tenant };
    const pair = { everyMs: 250_000, burst: 2 };
    const paced = { ...rules, pairEveryMs: pair.everyMs, pairBurst: pair.burst };
    const lanes = new Map<string, SendRef[]>();
    for (const send of [...(await queue('100', 12, 30)), ...(await queue('200', 12, 30))])
      lanes.set(send.ref.conversationId, [...(lanes.get(send.ref.conversationId) ?? []), send]);
    const granted: GrantedSend[] = [];
    const heads = () => [...lanes.values()].flatMap((lane) => lane.slice(0, 1));
    const durationMs = 3_000_000;
    const endMs = two.scene.nowMs + durationMs;
    while (two.scene.nowMs < endMs) {
      const now = await askBoth(() => two.shuffled(heads()).slice(0, 12), paced);
      granted.push(...now);
      for (const { send } of now) lanes.get(send.ref.conversationId)?.shift();
      const settlements = now.map(({ send, attempt }) => ({
        ...{ send, attempt, outcome: accepted(`wamid.${send.sendId}`) },
      }));
      if (now.length > 0) await two.either().settleSends({ nowMs: two.scene.nowMs, settlements });
      two.scene.advance(Math.floor(two.random() * 16_000));
    }
    expect(new Set(granted.map(({ send }) => send.sendId)).size).toBe(granted.length);
    const timesOf = (of: (each: GrantedSend) => boolean) =>
      granted.filter(of).map(({ grantedAtMs }) => grantedAtMs);
    expectPace(
      timesOf(() => true),
      paceOfPerSecond(perSecond.tenant),
    );
    for (const number of ['100', '200'])
      expectPace(
        timesOf(({ send }) => send.phoneNumberId === number),
        paceOfPerSecond(perSecond.number),
      );
    for (const conversationId of lanes.keys())
      expectPace(
        timesOf(({ send }) => send.ref.conversationId === conversationId),
        pair,
      );
    // They ask now and then, so a slot may wait for its asker; slots that were taken in vain would be gone.
    expect(granted.length).toBeGreaterThan((durationMs / 1_000) * perSecond.tenant * 0.75);
    const nths = await schema.query<{ granted_nth: string }>(
      "SELECT granted_nth FROM send WHERE granted_nth IS NOT NULL AND phone_number_id = '100' ORDER BY granted_nth::bigint",
    );
    expect(nths.map((each) => Number(each.granted_nth))).toEqual(nths.map((_, i) => i + 1));
  }, 60_000);

  it('I5: one gets a send that both ask for, and a lane leaves in its order', async () => {
    const sends = await queue('100', 20, 8);
    const order = new Map<string, string[]>();
    for (let round = 0; round < 40; round += 1) {
      two.scene.advance(100);
      const now = await askBoth(() => two.shuffled(sends), { ...wide, pairBurst: 1_000 });
      const lanesNow = now.map(({ send }) => send.ref.conversationId);
      expect(new Set(lanesNow).size, 'two sends of one lane are on the wire').toBe(lanesNow.length);
      await Promise.all(
        two.shuffled(now).map(({ send, attempt }, i) => {
          order.set(send.ref.conversationId, [...(order.get(send.ref.conversationId) ?? []), send.sendId]);
          const settlements = [{ send, attempt, outcome: accepted(`wamid.${send.sendId}`) }];
          return nth(two.stores, i % 2).settleSends({ nowMs: two.scene.nowMs, settlements });
        }),
      );
    }
    expect([...order.values()].flat().sort()).toEqual(sends.map(({ sendId }) => sendId).sort());
    for (const [conversationId, left] of order)
      expect(left).toEqual(
        sends.filter((each) => each.ref.conversationId === conversationId).map(({ sendId }) => sendId),
      );
  });

  it('I5: a take-over and a grant at once: what the operator silenced leaves no more, or comes back to nobody', async () => {
    for (let round = 0; round < 8; round += 1) {
      const sends = await queue(`${300 + round}`, 12, 2);
      const races = sends
        .filter(({ sendId }) => sendId.endsWith('_1'))
        .map(
          ({ ref }) =>
            () =>
              two.either().takeOver({ ref, by: 'ann', nowMs: two.scene.nowMs }),
        );
      const ask = () => askBoth(() => two.shuffled(sends), { ...wide, numberPerSecond: 1_000_000 });
      await Promise.all(two.shuffled<() => Promise<unknown>>([...races, ask]).map((race) => race()));
    }
    const rows = await schema.query(
      "SELECT send_id, state, withdraw_on_return FROM send WHERE state <> 'withdrawn' AND NOT (state = 'sending' AND withdraw_on_return)",
    );
    expect(rows).toEqual([]);
  });

  it('statuses race with the answer that they belong to: one wamid, delivery as far as it came, nothing left over', async () => {
    const sends = await queue('100', 60, 6);
    const nowMs = () => two.scene.nowMs;
    for (let round = 0; round < 6; round += 1) {
      two.scene.advance(1_000);
      const wires = await askBoth(() => sends, { ...wide, numberPerSecond: 1_000_000 });
      expect(wires.length).toBe(60);
      const races = wires.flatMap(({ send, attempt }) => {
        const wamid = `wamid.${send.sendId}`;
        // With our id a status waits for the lane's lock; without it nothing but the wamid brings both together.
        const opaque = round % 2 === 0 && two.random() < 0.3 ? { opaque: send.sendId } : {};
        const tell = (kind: 'sent' | 'delivered' | 'read') => () =>
          two.either().recordStatuses({
            receivedAtMs: nowMs(),
            statuses: [{ tenantId: 'acme', status: two.scene.status(kind, { wamid, ...opaque }) }],
          });
        const settle = () =>
          two.either().settleSends({
            nowMs: nowMs(),
            settlements: [{ send, attempt, outcome: accepted(wamid) }],
          });
        return [settle, tell('sent'), tell('delivered'), tell('read'), tell('delivered')];
      });
      await Promise.all(two.shuffled(races).map((race) => race()));
    }
    const rows = await schema.query('SELECT DISTINCT state, delivery, second_wamid FROM send');
    expect(rows).toEqual([{ state: 'accepted', delivery: 'read', second_wamid: null }]);
    expect(await schema.query("SELECT send_id FROM send WHERE wamid <> 'wamid.' || send_id")).toEqual([]);
    expect(await schema.query('SELECT wamid FROM status_unmatched')).toEqual([]);
  });

  it('I11: both look at what is uncertain at once, and each send is decided once', async () => {
    const sends = await queue('100', 40, 2);
    const heads = sends.filter(({ sendId }) => sendId.endsWith('_1'));
    const wires = await askBoth(() => heads, { ...wide, numberPerSecond: 1_000_000 });
    const outcome = { kind: 'uncertain', why: 'socket closed', windowMs: 60_000, errorCode: null } as const;
    const settlements = wires.map(({ send, attempt }) => ({ send, attempt, outcome }));
    await two.either().settleSends({ nowMs: two.scene.nowMs, settlements });
    two.scene.advance(1_000_000);
    const resolved = await Promise.all(
      two.stores.map((store) => store.resolveUncertain({ nowMs: two.scene.nowMs, startedAtMs: 0 })),
    );
    const held = resolved.flatMap((each) => each.heldSends);
    expect(held.sort()).toEqual(heads.map(({ sendId }) => sendId).sort());
    expect(resolved.flatMap((each) => each.freed).length).toBe(heads.length);
    const flags = await schema.query<{ count: string }>(
      "SELECT count FROM flag WHERE reason = 'sendUncertain'",
    );
    expect(flags.map((each) => Number(each.count))).toEqual(heads.map(() => 1));
  });

  it('neither grants, answers, statuses, receipts nor new messages stand in each other’s way for good', async () => {
    const sends = await queue('100', 10, 30);
    const rules = { ...wide, wabaPerSecond: 900, tenantPerSecond: 900, pairBurst: 1_000 };
    let left = 0;
    for (let round = 0; round < 30; round += 1) {
      two.scene.advance(1_000);
      const slow = { scope: 'waba', wabaId: 'waba', change: 'slow', retryAfterMs: null } as const;
      const wires = await askBoth(() => two.shuffled(sends), rules);
      left += wires.length;
      const all = two.shuffled([
        ...wires.map(({ send, attempt }) => () => {
          const isSlowed = two.random() < 0.1;
          const later = { kind: 'retryLater' as const, atMs: two.scene.nowMs, countsAsAttempt: false };
          const outcome = isSlowed
            ? { ...later, pace: slow, errorCode: 4 }
            : accepted(`wamid.${send.sendId}`);
          return two.either().settleSends({
            nowMs: two.scene.nowMs,
            settlements: [{ send, attempt, outcome }],
          });
        }),
        ...wires.map(({ send }) => () => {
          const status = two.scene.status('sent', { wamid: `wamid.${send.sendId}`, opaque: send.sendId });
          return two.either().recordStatuses({
            receivedAtMs: two.scene.nowMs,
            statuses: [{ tenantId: 'acme', status }],
          });
        }),
        () => two.newcomers(3),
        () =>
          two.either().grantReceipt({
            ...{ tenantId: 'acme', phoneNumberId: '100', rules, nowMs: two.scene.nowMs },
          }),
        () => askBoth(() => two.shuffled(sends).slice(0, 40), rules).then((more) => (left += more.length)),
      ]);
      await Promise.all(all.map((each) => each()));
    }
    expect(left).toBeGreaterThan(100);
  });
});

/**
 * Paces live in the store: owners that know nothing of each other share them, a restart grants no new burst, and what
 * Meta says about a pace binds everybody.
 */
import assert from 'node:assert/strict';
import { pairBackoffMs } from '#core/pacing/backoff.ts';
import type { PaceChange, PaceRules, SendRef } from '#core/ports/store.ts';
import {
  accepted,
  type CaseBody,
  nth,
  otherOwner,
  owner,
  phoneNumber,
  type Scene,
  secondMs,
  wide,
} from './scene.ts';

const tenPerSecond: PaceRules = { ...wide, numberPerSecond: 10 };
/** A message in counts against the pace of its number, too; these cases look at what goes out. */
const inbound = phoneNumber({}, { sendsPerSecondMax: 1_000_000 });

/** One queued send each of `count` conversations. */
async function queue(scene: Scene, count: number, number = inbound): Promise<SendRef[]> {
  const sends: SendRef[] = [];
  for (let i = 0; i < count; i++) {
    const ref = await scene.say('x', { from: { bsuid: `US.${number.phoneNumberId}.${i}` }, number });
    sends.push(...(await scene.answer(ref, 'y')));
  }
  scene.advance(secondMs);
  return sends;
}

/** Asks for the sends every 10 ms for a second, both owners by turns; returns the times of the grants. */
async function askForASecond(scene: Scene, sends: SendRef[], rules: PaceRules): Promise<number[]> {
  const times: number[] = [];
  for (let ms = 0; ms < 1_000; ms += 10) {
    const asks = [owner, otherOwner].map((ownerId) => scene.grant(sends, rules, ownerId));
    const granted = (await Promise.all(asks)).flat().filter((each) => each.outcome === 'granted');
    times.push(...granted.map(() => scene.nowMs));
    scene.advance(10);
  }
  return times;
}

async function change(scene: Scene, send: SendRef, pace: PaceChange): Promise<void> {
  const granted = await scene.leave(send);
  const outcome = {
    kind: 'retryLater' as const,
    atMs: scene.nowMs,
    pace,
    countsAsAttempt: true,
    errorCode: 1,
  };
  await scene.settle(granted, outcome);
}

export const paceCases: readonly CaseBody[] = [
  {
    name: 'two owners that grant at the same time share the pace of a number',
    invariant: 'I6',
    async body(scene) {
      const times = await askForASecond(scene, await queue(scene, 30), tenPerSecond);
      assert.ok(times.length >= 10 && times.length <= 12, `${times.length} left in a second at 10 a second`);
      assert.ok(times.filter((at) => at === times[0]).length <= 2, 'the burst was granted to each owner');
    },
  },
  {
    name: "a tenant's own pace binds all its numbers together",
    invariant: 'I6',
    async body(scene) {
      const other = phoneNumber({}, { phoneNumberId: '200', sendsPerSecondMax: 1_000_000 });
      const sends = [...(await queue(scene, 15)), ...(await queue(scene, 15, other))];
      const times = await askForASecond(scene, sends, { ...wide, tenantPerSecond: 10 });
      assert.ok(times.length >= 10 && times.length <= 12, `${times.length} left in a second at 10 a second`);
    },
  },
  {
    name: "a waba's own pace binds all its numbers together, and no number of another waba",
    invariant: 'I6',
    async body(scene) {
      const other = phoneNumber({}, { phoneNumberId: '200', sendsPerSecondMax: 1_000_000 });
      const elsewhere = phoneNumber({}, { phoneNumberId: '300', sendsPerSecondMax: 1_000_000 });
      const sends = [...(await queue(scene, 15)), ...(await queue(scene, 15, other))];
      const apart = await queue(scene, 1, elsewhere);
      const times = await askForASecond(scene, sends, { ...wide, wabaPerSecond: 10 });
      assert.ok(times.length >= 10 && times.length <= 12, `${times.length} left in a second at 10 a second`);
      const [granted] = await scene.grant(apart, { ...wide, wabaPerSecond: 10, wabaId: 'another waba' });
      assert.equal(granted?.outcome, 'granted');
    },
  },
  {
    name: 'a pair has its burst and then its interval; other pairs do not wait for it',
    invariant: 'I6',
    async body(scene) {
      const ref = await scene.say('x');
      const sends = await scene.answer(ref, 'a', 'b', 'c');
      const rules = { ...wide, pairBurst: 2 };
      for (const send of sends.slice(0, 2)) {
        const [granted] = await scene.grant([send], rules);
        assert.ok(granted?.outcome === 'granted');
        await scene.settle(granted, accepted(`wamid.${send.sendId}`));
      }
      const [third] = await scene.grant(sends.slice(2), rules);
      assert.deepEqual(third?.outcome === 'wait' && [third.scope, third.atMs - scene.nowMs, third.paused], [
        'pair',
        rules.pairEveryMs,
        false,
      ]);
      const [other] = await scene.grant(await queue(scene, 1), rules);
      assert.equal(other?.outcome, 'granted');
    },
  },
  {
    name: 'a restart grants no new burst',
    invariant: 'I6',
    async body(scene) {
      const sends = await queue(scene, 10);
      const first = (await scene.grant(sends, tenPerSecond)).filter((each) => each.outcome === 'granted');
      await scene.restart();
      const again = (await scene.grant(sends, tenPerSecond, otherOwner)).filter(
        (each) => each.outcome === 'granted',
      );
      assert.deepEqual([first.length > 0, again.length], [true, 0]);
    },
  },
  {
    name: 'a refusal of one pace takes nothing of the others',
    invariant: 'I6',
    async body(scene) {
      const ref = await scene.say('x');
      const sends = await scene.answer(ref, 'a', 'b');
      const rules = { ...tenPerSecond, pairBurst: 1 };
      const [granted] = await scene.grant(sends.slice(0, 1), rules);
      assert.ok(granted?.outcome === 'granted');
      await scene.settle(granted, accepted('wamid.1'));
      scene.advance(secondMs);
      for (let i = 0; i < 20; i++) await scene.grant(sends.slice(1), rules);
      const others = await queue(scene, 1);
      assert.equal((await scene.grant(others, rules))[0]?.outcome, 'granted');
    },
  },
  {
    name: 'a paused number sends nothing until the pause ends, also after a restart, and says so',
    invariant: 'I6',
    async body(scene) {
      const sends = await queue(scene, 2);
      const untilMs = scene.nowMs + 60 * secondMs;
      await change(scene, nth(sends, 0), {
        scope: 'number',
        wabaId: 'waba',
        change: 'pause',
        untilMs,
        reason: 'banned',
      });
      await scene.restart();
      for (const send of sends) {
        const [waits] = await scene.grant([send], wide, otherOwner);
        assert.deepEqual(waits?.outcome === 'wait' && [waits.scope, waits.atMs, waits.paused], [
          'number',
          untilMs,
          true,
        ]);
      }
      scene.advance(60 * secondMs);
      assert.equal((await scene.grant(sends.slice(1)))[0]?.outcome, 'granted');
    },
  },
  {
    name: 'a slowed number goes at half its pace and comes back; a slowed waba slows its other number, too',
    invariant: 'I6',
    async body(scene) {
      const sends = await queue(scene, 40);
      await change(scene, nth(sends, 0), {
        scope: 'number',
        wabaId: 'waba',
        change: 'slow',
        retryAfterMs: null,
      });
      scene.advance(secondMs);
      const slowed = await askForASecond(scene, sends, { ...tenPerSecond, numberPerSecond: 20 });
      assert.ok(
        slowed.length >= 9 && slowed.length <= 15,
        `${slowed.length} left in the second after half of 20, on the way back`,
      );
      scene.advance(60 * secondMs);
      const recovered = await askForASecond(scene, sends, { ...tenPerSecond, numberPerSecond: 20 });
      assert.ok(recovered.length >= 20, `${recovered.length} left in a second after the recovery`);
    },
  },
  {
    name: 'a waba that Meta slowed is no limit any more once it has recovered',
    invariant: 'I6',
    async body(scene) {
      const numbers = ['200', '300', '400'].map((phoneNumberId) =>
        phoneNumber({}, { phoneNumberId, sendsPerSecondMax: 1_000_000 }),
      );
      const sends = [];
      for (const number of numbers) sends.push(...(await queue(scene, 12, number)));
      await change(scene, nth(sends, 0), {
        scope: 'waba',
        wabaId: 'waba',
        change: 'slow',
        retryAfterMs: null,
      });
      scene.advance(120 * secondMs);
      const times = await askForASecond(scene, sends, tenPerSecond);
      assert.ok(times.length >= 30, `${times.length} left in a second on three numbers of 10 a second each`);
    },
  },
  {
    name: 'a pair that Meta refuses backs off longer each time and is forgiven by an acceptance',
    invariant: 'I6',
    async body(scene) {
      const ref = await scene.say('x');
      const [send, second] = await scene.answer(ref, 'a', 'b');
      assert.ok(send !== undefined && second !== undefined);
      for (let failures = 0; failures < 3; failures++) {
        await change(scene, send, { scope: 'pair', change: 'backOff' });
        const [waits] = await scene.grant([send]);
        assert.equal(waits?.outcome === 'wait' && waits.atMs - scene.nowMs, pairBackoffMs(failures));
        scene.advance(pairBackoffMs(failures));
      }
      await scene.deliver(send);
      await change(scene, second, { scope: 'pair', change: 'backOff' });
      const [waits] = await scene.grant([second]);
      assert.equal(waits?.outcome === 'wait' && waits.atMs - scene.nowMs, pairBackoffMs(0));
    },
  },
  ...[1_000, 80, 20, 10, 1].map(
    (perSecond): CaseBody => ({
      name: `receipts never delay an answer and never exceed the pace, at ${perSecond} a second`,
      invariant: 'I6',
      async body(scene) {
        const rules = { ...wide, numberPerSecond: perSecond };
        const receipt = () =>
          scene.store.grantReceipt({ tenantId: 'acme', phoneNumberId: '100', rules, nowMs: scene.nowMs });
        const sends = await queue(scene, 120);
        scene.advance(10 * secondMs);
        while (await receipt())
          if (perSecond < 20) assert.fail('there is no room to spare at so slow a pace');
        assert.equal(
          (await scene.grant(sends.slice(0, 1), rules))[0]?.outcome,
          'granted',
          'an answer waited',
        );
        const burst = (await scene.grant(sends, rules)).filter((each) => each.outcome === 'granted').length;
        for (let i = 0; i < 200; i++)
          assert.equal(await receipt(), false, 'a receipt left while the number was full');
        const more = (await scene.grant(sends, rules)).filter((each) => each.outcome === 'granted').length;
        assert.equal(more, 0, `after a burst of ${burst} the pace was forgotten`);
      },
    }),
  ),
  {
    name: 'a receipt is refused while its number is paused',
    invariant: 'I6',
    async body(scene) {
      const [send] = await queue(scene, 1);
      const untilMs = scene.nowMs + 60 * secondMs;
      await change(scene, nth([send!], 0), {
        scope: 'number',
        wabaId: 'waba',
        change: 'pause',
        untilMs,
        reason: 'x',
      });
      scene.advance(secondMs);
      const ask = { tenantId: 'acme', phoneNumberId: '100', rules: wide, nowMs: scene.nowMs };
      assert.equal(await scene.store.grantReceipt(ask), false);
    },
  },
];

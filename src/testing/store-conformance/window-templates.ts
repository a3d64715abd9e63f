/**
 * What leaves when the service window is closed: a template at any time, the template of a send in its place, and where
 * there is none, nothing but a flag.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import type { SendBody, TemplateBody } from '#core/model/send-bodies.ts';
import type { NewSend, SendRef } from '#core/model/sends.ts';
import type { SendSettlement } from '#core/ports/store.ts';
import { accepted, type CaseBody, nth, type Scene, secondMs, wide } from './scene.ts';

const template: TemplateBody = {
  type: 'template',
  template: { name: 'come_back', language: { code: 'es' } },
};
const windowClosed: SendSettlement['outcome'] = {
  kind: 'refused',
  errorCode: 131_047,
  reason: 're-engagement message',
};

const withTemplate = (scene: Scene, over: Partial<NewSend> = {}) =>
  scene.newSend('your gift is ready', { ifWindowClosed: template, quoteWamid: 'wamid.in.1', ...over });

/** Meta had accepted it, and says now that the window was closed. */
const closedAfter = (scene: Scene, wamid: string, send?: SendRef) =>
  scene.status('failed', { wamid, errors: [{ code: 131_047 }], ...(send && { opaque: send.sendId }) });

async function statesOf(scene: Scene, sends: readonly SendRef[]): Promise<string[]> {
  const rows = await Promise.all(sends.map(({ sendId }) => scene.sendRow(sendId)));
  return rows.map(({ state }) => state);
}

async function flags(scene: Scene): Promise<string[]> {
  return (await scene.store.listFlags({ open: true, max: 9 })).map((each) => each.reason);
}

async function history(scene: Scene, ref: Parameters<Scene['answer']>[0]): Promise<string[]> {
  const entries = await scene.store.readHistory({ ref, throughFence: 1_000, max: 20 });
  return entries.filter((each) => each.role === 'bot').map((each) => each.text);
}

export const windowTemplateCases: readonly CaseBody[] = [
  {
    name: 'inside the service window a send leaves as it is, whatever template it has',
    async body(scene) {
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene));
      const granted = await scene.leave(nth(sends, 0));
      assert.equal(granted.body.type, 'text');
      assert.equal(granted.quoteWamid, 'wamid.in.1');
    },
  },
  {
    name: 'outside of it its template leaves in its place, quotes nothing, and is what history shows',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, withTemplate(scene));
      scene.advance(limits.serviceWindowMs);
      const granted = await scene.leave(nth(sends, 0));
      assert.deepEqual(granted.body, template);
      assert.equal(granted.quoteWamid, null);
      await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual(await flags(scene), []);
      assert.deepEqual(await history(scene, ref), ['[template come_back]']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a template that is said as such leaves at any time',
    async body(scene) {
      const body: SendBody = template;
      const sends = await scene.answer(await scene.say('a'), scene.newSend('', { body }));
      scene.advance(limits.serviceWindowMs * 3);
      assert.deepEqual((await scene.leave(nth(sends, 0))).body, template);
    },
  },
  {
    name: 'a template takes a slot of the paces as every send does',
    invariant: 'I6',
    async body(scene) {
      const sends = await scene.answer(
        await scene.say('a'),
        withTemplate(scene),
        withTemplate(scene, { body: { type: 'text', text: { body: 'and more' } } }),
      );
      scene.advance(limits.serviceWindowMs);
      const rules = { ...wide, pairBurst: 1 };
      const [first] = await scene.grant([nth(sends, 0)], rules);
      assert.equal(first?.outcome, 'granted');
      await scene.settle({ send: nth(sends, 0), attempt: 1 }, accepted('wamid.1'));
      const [second] = await scene.grant([nth(sends, 1)], rules);
      assert.equal(second?.outcome, 'wait');
    },
  },
  {
    name: 'the template of the first part stands for all parts: the others are taken back and nobody is asked',
    invariant: 'I9',
    async body(scene) {
      const part = (words: string) => scene.newSend(words, { ifWindowClosed: 'nothing' });
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, withTemplate(scene), part('two'), part('three'));
      scene.advance(limits.serviceWindowMs);
      await scene.deliver(nth(sends, 0));
      for (const send of sends.slice(1)) {
        const [granted] = await scene.grant([send]);
        assert.equal(granted?.outcome, 'withdrawn');
      }
      assert.deepEqual(await flags(scene), []);
      assert.deepEqual(await history(scene, ref), ['[template come_back]']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'where the window closes between two parts, a person is asked: half of it was said',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const second = scene.newSend('two', { ifWindowClosed: 'nothing' });
      const sends = await scene.answer(ref, withTemplate(scene), second);
      await scene.deliver(nth(sends, 0));
      scene.advance(limits.serviceWindowMs);
      const [granted] = await scene.grant([nth(sends, 1)]);
      assert.equal(granted?.outcome, 'withdrawn');
      assert.deepEqual(await flags(scene), ['windowClosed']);
    },
  },
  {
    name: 'where Meta says that the window is closed, the template leaves next, once',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, withTemplate(scene), 'after it');
      const granted = await scene.leave(nth(sends, 0));
      const settled = await scene.settle(granted, windowClosed);
      assert.deepEqual(
        settled.freed.map((each) => each.sendId),
        [granted.send.sendId],
      );
      assert.deepEqual(await flags(scene), []);
      const again = await scene.leave(granted.send);
      assert.deepEqual([again.attempt, again.body, again.quoteWamid], [2, template, null]);
      await scene.settle(again, windowClosed);
      assert.equal((await scene.sendRow(granted.send.sendId)).state, 'refused');
      assert.deepEqual(await flags(scene), ['sendRefused']);
    },
  },
  {
    name: 'another refusal is no closed window',
    async body(scene) {
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene));
      const granted = await scene.leave(nth(sends, 0));
      await scene.settle(granted, { kind: 'refused', errorCode: 131_026, reason: 'undeliverable' });
      assert.equal((await scene.sendRow(granted.send.sendId)).state, 'refused');
    },
  },
  {
    name: 'a template that was chosen is still the one after a restart and another attempt',
    async body(scene) {
      const policy = { uncertainPolicy: 'resendMayRepeat' as const };
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene, policy));
      scene.advance(limits.serviceWindowMs);
      await scene.leave(nth(sends, 0));
      await scene.restart();
      scene.advance(limits.uncertainCapMs * 2);
      await scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 });
      assert.deepEqual((await scene.leave(nth(sends, 0))).body, template);
    },
  },
  {
    name: 'where Meta accepts it and says by a status that the window was closed, the template leaves after all, once',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, withTemplate(scene));
      const first = nth(sends, 0);
      const failed = closedAfter(scene, await scene.deliver(first), first);
      const recorded = await scene.report(failed, failed);
      assert.deepEqual([recorded.failed, recorded.duplicates, recorded.freed.length], [1, 1, 1]);
      const granted = await scene.leave(nth(recorded.freed, 0));
      assert.deepEqual([granted.body, granted.quoteWamid, granted.attempt], [template, null, 1]);
      assert.notEqual(granted.send.sendId, first.sendId);
      await scene.settle(granted, accepted('wamid.template'));
      await scene.restart();
      assert.deepEqual((await scene.report(failed)).freed, []);
      assert.deepEqual(await statesOf(scene, [first, granted.send]), ['failed', 'accepted']);
      assert.deepEqual(await flags(scene), []);
      await scene.assertNothingMissing();
      // The template has nothing behind it.
      await scene.report(closedAfter(scene, 'wamid.template', granted.send));
      assert.deepEqual(await statesOf(scene, [first, granted.send]), ['failed', 'failed']);
      assert.deepEqual(await flags(scene), ['sendFailed']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'likewise where that status comes before the answer, with our id or without',
    invariant: 'I9',
    async body(scene) {
      for (const wamid of ['wamid.1', 'wamid.2']) {
        const sends = await scene.answer(await scene.say('a'), withTemplate(scene));
        const granted = await scene.leave(nth(sends, 0));
        const status = closedAfter(scene, wamid, wamid === 'wamid.1' ? granted.send : undefined);
        const { freed: byStatus } = await scene.report(status);
        const { freed: byAnswer, flagged } = await scene.settle(granted, accepted(wamid));
        assert.equal(flagged, 0);
        const leaving = [...byStatus, ...byAnswer];
        assert.equal(leaving.length, 1);
        assert.deepEqual((await scene.leave(nth(leaving, 0))).body, template);
        await scene.settle({ send: nth(leaving, 0), attempt: 1 }, accepted(`${wamid}.template`));
      }
      assert.deepEqual(await flags(scene), []);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'no template follows where it arrived, failed otherwise, or only a second copy of it failed',
    async body(scene) {
      const sends = await scene.answer(
        await scene.say('a'),
        ...['one', 'two', 'three'].map((words) => scene.newSend(words, { ifWindowClosed: template })),
      );
      const wamids: string[] = [];
      for (const send of sends) wamids.push(await scene.deliver(send));
      const [arrived = '', otherwise = '', copied = ''] = wamids;
      await scene.report(scene.status('delivered', { wamid: arrived }), closedAfter(scene, arrived));
      await scene.report(scene.status('failed', { wamid: otherwise, errors: [{ code: 131_026 }] }));
      await scene.report(closedAfter(scene, `${copied}.second`, nth(sends, 2)));
      assert.deepEqual(await statesOf(scene, sends), ['accepted', 'failed', 'accepted']);
      assert.deepEqual(await flags(scene), ['sendFailed']);
    },
  },
  {
    name: 'where a person has the conversation by then, no template leaves behind their back and they are told',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, withTemplate(scene));
      const wamid = await scene.deliver(nth(sends, 0));
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      await scene.report(closedAfter(scene, wamid));
      assert.deepEqual(await statesOf(scene, sends), ['failed']);
      assert.deepEqual(await flags(scene), ['sendFailed']);
    },
  },
  {
    name: 'the template that follows stands for all parts that failed likewise, and nobody is asked',
    invariant: 'I9',
    async body(scene) {
      const part = (words: string) => scene.newSend(words, { ifWindowClosed: 'nothing' });
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene), part('two'), part('three'));
      const wamids: string[] = [];
      for (const send of sends) wamids.push(await scene.deliver(send));
      const { freed } = await scene.report(...wamids.map((wamid) => closedAfter(scene, wamid)));
      const leaving = [...new Set(freed.map(({ sendId }) => sendId))];
      assert.equal(leaving.length, 1);
      assert.deepEqual((await scene.leave(nth(freed, 0))).body, template);
      assert.deepEqual(await flags(scene), []);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a part fails alone where the one before it arrived: a person is asked, since half of it was said',
    invariant: 'I9',
    async body(scene) {
      const second = scene.newSend('two', { ifWindowClosed: 'nothing' });
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene), second);
      await scene.deliver(nth(sends, 0));
      await scene.report(closedAfter(scene, await scene.deliver(nth(sends, 1))));
      assert.deepEqual(await statesOf(scene, sends), ['accepted', 'failed']);
      assert.deepEqual(await flags(scene), ['sendFailed']);
    },
  },
  {
    name: 'a status of an attempt whose template has taken its place says nothing new, waiting or on the wire',
    invariant: 'I9',
    async body(scene) {
      const sends = await scene.answer(await scene.say('a'), withTemplate(scene));
      const send = nth(sends, 0);
      await scene.loseSight(send);
      const { tenantId } = send.ref;
      const resend = { tenantId, sendId: send.sendId, verdict: 'resend' as const, by: 'ann' };
      await scene.store.resolveSend({ ...resend, nowMs: scene.nowMs });
      await scene.settle(await scene.leave(send), windowClosed);
      const ofTheFirst = closedAfter(scene, 'wamid.first', send);
      assert.equal((await scene.report(ofTheFirst)).duplicates, 1);
      const granted = await scene.leave(send);
      assert.deepEqual(granted.body, template);
      assert.equal((await scene.report(ofTheFirst)).duplicates, 1);
      await scene.settle(granted, accepted('wamid.template'));
      await scene.report(ofTheFirst, scene.status('delivered', { wamid: 'wamid.template' }));
      assert.deepEqual(await statesOf(scene, sends), ['accepted']);
      assert.deepEqual(await flags(scene), []);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'after a merge the template leaves in the lane of the conversation that is left',
    async body(scene) {
      const byId = { bsuid: 'US.1' };
      const byPhone = { phone: '15550001111' };
      const sends = await scene.answer(await scene.say('a', { from: byId }), withTemplate(scene));
      const wamid = await scene.deliver(nth(sends, 0));
      scene.advance(secondMs);
      const survivor = await scene.say('b', { from: byPhone });
      await scene.append(scene.message('both', { from: { ...byId, ...byPhone } }));
      const { freed } = await scene.report(closedAfter(scene, wamid));
      assert.deepEqual(nth(freed, 0).ref, survivor);
      const granted = await scene.leave(nth(freed, 0));
      assert.deepEqual([granted.body, granted.address], [template, { to: byPhone.phone }]);
      await scene.assertNothingMissing();
    },
  },
];

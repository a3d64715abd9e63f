/**
 * What leaves when the service window is closed: a template at any time, the template of a send in its place, and where
 * there is none, nothing but a flag.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import type { SendBody, TemplateBody } from '#core/model/send-bodies.ts';
import type { NewSend } from '#core/model/sends.ts';
import type { SendSettlement } from '#core/ports/store.ts';
import { accepted, type CaseBody, nth, type Scene, wide } from './scene.ts';

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
];

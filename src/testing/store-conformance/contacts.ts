/**
 * Who is who: whatever addresses a message carries, one customer has one contact and one conversation on a number.
 */
import assert from 'node:assert/strict';
import type { AddressChange, Sender } from '#core/model/events.ts';
import { type CaseBody, nth, phoneNumber, type Scene, texts } from './scene.ts';

const phone = '15550001111';
const newPhone = '15550002222';

function change(scene: Scene, from: Sender, by: AddressChange) {
  const content = { system: { type: 'user_changed_number', change: by } };
  return scene.append(scene.message('', { from, kind: 'system', content }));
}

/** All addresses lead to `ref`, by look-up and by a message. */
async function assertOne(scene: Scene, ref: { conversationId: string }, ...senders: Sender[]): Promise<void> {
  for (const from of senders) {
    const found = await scene.say('again', { from });
    assert.equal(found.conversationId, ref.conversationId, `${JSON.stringify(from)} leads elsewhere`);
  }
}

async function addressOf(scene: Scene, from: Sender) {
  const ref = await scene.conversationOf(from);
  const sends = [scene.newSend('x', { origin: 'operator' })];
  const replied = await scene.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: scene.nowMs });
  return (await scene.leave(nth(replied.sends, 0))).address;
}

export const contactCases: readonly CaseBody[] = [
  {
    name: 'a phone, then both, then the id alone: one contact',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone } });
      await assertOne(
        scene,
        ref,
        { phone, bsuid: 'US.1' },
        { bsuid: 'US.1' },
        { phone },
        { bsuid: 'US.1', phone },
      );
    },
  },
  {
    name: 'an id, then both, then the phone alone: one contact',
    async body(scene) {
      const ref = await scene.say('a', { from: { bsuid: 'US.1' } });
      await assertOne(scene, ref, { phone, bsuid: 'US.1' }, { phone }, { bsuid: 'US.1' });
    },
  },
  {
    name: 'a phone and an id that were apart are one contact when a message carries both',
    async body(scene) {
      await scene.say('by phone', { from: { phone } });
      await scene.say('by id', { from: { bsuid: 'US.1' } });
      const both = await scene.say('by both', { from: { phone, bsuid: 'US.1' } });
      await assertOne(scene, both, { phone }, { bsuid: 'US.1' });
      assert.equal((await scene.take(both)).events.length, 5);
      const work = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 9 });
      assert.deepEqual(work.conversations, []);
    },
  },
  {
    name: 'a parent id finds the contact where nothing else does',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone, parentBsuid: 'US.ENT.1' } });
      await assertOne(scene, ref, { bsuid: 'US.1', parentBsuid: 'US.ENT.1' }, { bsuid: 'US.1' }, { phone });
    },
  },
  {
    name: 'a known phone with another id and no announcement is a recycled number: nothing is merged',
    invariant: 'I10',
    async body(scene) {
      const first = await scene.say('mine', { from: { phone, bsuid: 'US.1' } });
      const second = await scene.say('not yours', { from: { phone, bsuid: 'US.2' } });
      assert.notEqual(second.conversationId, first.conversationId);
      await assertOne(scene, second, { phone }, { bsuid: 'US.2' });
      await assertOne(scene, first, { bsuid: 'US.1' });
      assert.deepEqual(
        await addressOf(scene, { bsuid: 'US.1' }),
        { recipient: 'US.1' },
        'answers must not reach the new owner of the phone',
      );
      assert.deepEqual(await addressOf(scene, { bsuid: 'US.2' }), { to: phone });
    },
  },
  {
    name: 'a number taken over by a known customer is re-pointed, nothing is merged',
    invariant: 'I10',
    async body(scene) {
      const first = await scene.say('a', { from: { phone, bsuid: 'US.1' } });
      const second = await scene.say('b', { from: { phone: newPhone, bsuid: 'US.2' } });
      await assertOne(scene, second, { phone, bsuid: 'US.2' }, { phone }, { phone: newPhone });
      await assertOne(scene, first, { bsuid: 'US.1' });
    },
  },
  {
    name: 'user_changed_number as before 2026: phones only',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone } });
      await change(scene, { phone }, { oldPhone: phone, newPhone });
      await assertOne(scene, ref, { phone: newPhone }, { phone }, { phone: newPhone, bsuid: 'US.1' });
      assert.deepEqual(await addressOf(scene, { phone: newPhone }), { to: newPhone });
    },
  },
  {
    name: 'user_changed_number of 2026: phone and id change together',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone, bsuid: 'US.1' } });
      const by = {
        oldPhone: phone,
        newPhone,
        oldBsuid: 'US.1',
        newBsuid: 'US.2',
        newParentBsuid: 'US.ENT.2',
      };
      await change(scene, { phone, bsuid: 'US.1' }, by);
      await assertOne(scene, ref, { bsuid: 'US.2' }, { phone: newPhone }, { bsuid: 'US.1' });
    },
  },
  {
    name: 'a change that comes after the first message under the new addresses merges',
    async body(scene) {
      await scene.say('old', { from: { phone, bsuid: 'US.1' } });
      await scene.say('new', { from: { phone: newPhone, bsuid: 'US.2' } });
      await change(
        scene,
        { phone, bsuid: 'US.1' },
        { oldPhone: phone, newPhone, oldBsuid: 'US.1', newBsuid: 'US.2' },
      );
      const ref = await scene.conversationOf({ bsuid: 'US.2' });
      await assertOne(scene, ref, { bsuid: 'US.1' }, { phone: newPhone }, { phone });
      assert.equal((await scene.take(ref)).events.length, 6);
    },
  },
  {
    name: 'user_changed_user_id: the phone stays',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone, bsuid: 'US.1' } });
      await change(scene, { phone, bsuid: 'US.1' }, { oldBsuid: 'US.1', newBsuid: 'US.2' });
      await assertOne(scene, ref, { phone, bsuid: 'US.2' }, { bsuid: 'US.1' }, { phone });
    },
  },
  {
    name: 'user_changed_user_id of a customer known by phone only finds them by the phone it came from',
    async body(scene) {
      const ref = await scene.say('a', { from: { phone } });
      await change(scene, { phone, bsuid: 'US.1' }, { oldBsuid: 'US.1', newBsuid: 'US.2' });
      await assertOne(scene, ref, { bsuid: 'US.2' }, { bsuid: 'US.1' }, { phone });
    },
  },
  {
    name: 'a late change does not merge the customer with the new owner of the old number',
    invariant: 'I10',
    async body(scene) {
      const mine = await scene.say('a', { from: { phone, bsuid: 'US.1' } });
      const theirs = await scene.say('b', { from: { phone, bsuid: 'US.9' } });
      await change(
        scene,
        { phone, bsuid: 'US.1' },
        { oldPhone: phone, newPhone, oldBsuid: 'US.1', newBsuid: 'US.2' },
      );
      await assertOne(scene, theirs, { bsuid: 'US.9' }, { phone });
      await assertOne(scene, mine, { bsuid: 'US.1' }, { bsuid: 'US.2' }, { phone: newPhone });
      assert.notEqual(mine.conversationId, theirs.conversationId);
    },
  },
  {
    name: 'a change to a number that somebody else had takes it from them, also for answers',
    invariant: 'I10',
    async body(scene) {
      const theirs = await scene.say('b', { from: { phone: newPhone, bsuid: 'US.9' } });
      const mine = await scene.say('a', { from: { phone, bsuid: 'US.1' } });
      await change(
        scene,
        { phone, bsuid: 'US.1' },
        { oldPhone: phone, newPhone, oldBsuid: 'US.1', newBsuid: 'US.2' },
      );
      await assertOne(scene, mine, { phone: newPhone }, { bsuid: 'US.2' });
      assert.deepEqual(await addressOf(scene, { bsuid: 'US.9' }), { recipient: 'US.9' });
      await assertOne(scene, theirs, { bsuid: 'US.9' });
    },
  },
  {
    name: 'a contact has one conversation on each number',
    async body(scene) {
      const other = phoneNumber({}, { phoneNumberId: '200' });
      const first = await scene.say('a');
      const second = await scene.say('b', { number: other });
      assert.notEqual(first.conversationId, second.conversationId);
      assert.deepEqual(texts(await scene.take(second)), ['b']);
      assert.deepEqual(texts(await scene.take(first)), ['a']);
    },
  },
  {
    name: 'first messages that come at the same time make one contact and one conversation',
    async body(scene) {
      const messages = Array.from({ length: 10 }, (_, i) => scene.message(`m${i}`));
      await Promise.all(messages.map((message) => scene.append(message)));
      const work = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 9 });
      assert.equal(work.conversations.length, 1);
    },
  },
];

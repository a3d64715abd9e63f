/**
 * What the business' own systems tell: an event is stored once for its idempotency key, reaches the conversation wherever
 * it is by then, and waits while an operator holds it. Keys are known by digest, belong to one tenant and can be revoked.
 */
import assert from 'node:assert/strict';
import { isFault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { NewBusinessEvent } from '#core/ports/store-business.ts';
import { type CaseBody, dayMs, minuteMs, nth, phoneNumber, type Scene, secondMs } from './scene.ts';

const paid = { name: 'payment.succeeded', data: { amountMinor: 1_200 } };

function told(scene: Scene, over: Partial<NewBusinessEvent> = {}): NewBusinessEvent {
  return {
    ...{ tenantId: 'acme', idempotencyKey: 'k1', request: 'r1', ...paid, keyId: null, nowMs: scene.nowMs },
    to: { kind: 'phone', phoneNumberId: '100', wabaId: 'waba', value: '15550001111' },
    ...over,
  };
}

const toConversation = ({ conversationId }: ConversationRef): Partial<NewBusinessEvent> => ({
  to: { kind: 'conversation', conversationId, phoneNumberId: null },
});

/** A customer whose message a turn has taken. */
async function known(scene: Scene): Promise<{ ref: ConversationRef; contactId: string }> {
  const ref = await scene.say('hello');
  const taken = await scene.take(ref);
  const ends = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: Number.MAX_SAFE_INTEGER }];
  await scene.commit(taken, { ends });
  return { ref, contactId: taken.contactId };
}

const quiet = async (scene: Scene): Promise<ConversationRef> => (await known(scene)).ref;

async function factsIn(scene: Scene, ref: ConversationRef): Promise<unknown[]> {
  const { events } = await scene.take(ref);
  return events.filter((event) => event.kind === 'business').map((event) => event.content.business);
}

async function makeKey(scene: Scene, digest: string, tenantId = 'acme'): Promise<string> {
  const keyId = scene.id('key');
  const { nowMs } = scene;
  await scene.store.createApiKey({ tenantId, keyId, digest, label: 'shop', by: 'ann', liveMax: 2, nowMs });
  return keyId;
}

const faultOf = (code: 'conflict' | 'notFound') => (error: unknown) => isFault(error, code);

export const businessCases: readonly CaseBody[] = [
  {
    name: 'an event of the business stands in the mailbox of the customer whom it names, also after a restart',
    invariant: 'I1',
    async body(scene) {
      const ref = await quiet(scene);
      const appended = await scene.store.appendBusiness(told(scene));
      assert.deepEqual(appended, { outcome: 'stored', ref, position: 2 });
      await scene.restart('own_first');
      const { events } = await scene.take(ref);
      assert.deepEqual(
        events.map(({ kind, content, wamid }) => [kind, content, wamid]),
        [['business', { business: paid }, null]],
      );
    },
  },
  {
    name: 'a contact is found by id, phone and business-scoped id, a conversation by its own',
    async body(scene) {
      const { ref, contactId } = await known(scene);
      const number = { phoneNumberId: '100', wabaId: 'waba' };
      const ways: NewBusinessEvent['to'][] = [
        { kind: 'contact', phoneNumberId: '100', contactId },
        { kind: 'phone', ...number, value: '15550001111' },
        { kind: 'bsuid', ...number, value: 'US.1' },
        { kind: 'conversation', conversationId: ref.conversationId, phoneNumberId: null },
        { kind: 'conversation', conversationId: ref.conversationId, phoneNumberId: '100' },
      ];
      for (const [at, to] of ways.entries()) {
        const appended = await scene.store.appendBusiness(told(scene, { to, idempotencyKey: `k${at}` }));
        assert.deepEqual(appended, { outcome: 'stored', ref, position: at + 2 });
      }
    },
  },
  {
    name: 'whom nobody knows gets nothing, and nothing is stored or made',
    async body(scene) {
      const { contactId } = await known(scene);
      const depth = (await scene.store.stats()).mailboxDepth;
      const number = { phoneNumberId: '100', wabaId: 'waba' };
      const ways: [NewBusinessEvent['to'], 'contact' | 'conversation'][] = [
        [{ kind: 'phone', ...number, value: '15550009999' }, 'contact'],
        [{ kind: 'phone', ...number, wabaId: 'another', value: '15550001111' }, 'contact'],
        [{ kind: 'bsuid', ...number, value: '15550001111' }, 'contact'],
        [{ kind: 'contact', phoneNumberId: '100', contactId: 'ctc_nobody' }, 'contact'],
        [{ kind: 'contact', phoneNumberId: '101', contactId }, 'conversation'],
        [{ kind: 'conversation', conversationId: 'cnv_none', phoneNumberId: null }, 'conversation'],
      ];
      for (const [to, what] of ways)
        assert.deepEqual(await scene.store.appendBusiness(told(scene, { to })), { outcome: 'unknown', what });
      const ref = await scene.conversationOf(scene.customer);
      const elsewhere = { kind: 'conversation', conversationId: ref.conversationId, phoneNumberId: '101' };
      assert.deepEqual(
        await scene.store.appendBusiness(told(scene, { to: elsewhere as NewBusinessEvent['to'] })),
        { outcome: 'unknown', what: 'conversation' },
      );
      assert.equal((await scene.store.stats()).mailboxDepth, depth);
      assert.equal((await scene.store.appendBusiness(told(scene))).outcome, 'stored');
    },
  },
  {
    name: 'the same idempotency key is one event, also for many at once, and another request with it is refused',
    invariant: 'I2',
    async body(scene) {
      const ref = await quiet(scene);
      const all = await Promise.all(
        Array.from({ length: 20 }, () => scene.store.appendBusiness(told(scene))),
      );
      assert.equal(all.filter((each) => each.outcome === 'stored').length, 1);
      const duplicate = { outcome: 'duplicate', ref, position: 2, isOpen: true };
      assert.deepEqual(
        all.filter((each) => each.outcome !== 'stored'),
        Array(19).fill(duplicate),
      );
      const other = await scene.store.appendBusiness(told(scene, { request: 'r2' }));
      assert.deepEqual(other, { outcome: 'otherRequest' });
      assert.deepEqual(await factsIn(scene, ref), [paid]);
    },
  },
  {
    name: 'a repetition of an event that a turn has taken changes nothing, as long as events are kept',
    invariant: 'I2',
    async body(scene) {
      const ref = await quiet(scene);
      await scene.store.appendBusiness(told(scene));
      await scene.commit(await scene.take(ref));
      scene.advance(8 * dayMs);
      const again = await scene.store.appendBusiness(told(scene));
      assert.deepEqual(again, { outcome: 'duplicate', ref, position: 2, isOpen: false });
      assert.equal(await scene.takeOutcome(ref), 'empty');
    },
  },
  {
    name: 'an event makes its conversation due at once, and is found when no wake announced it',
    invariant: 'I3',
    async body(scene) {
      const number = phoneNumber({ quietMs: 10 * secondMs });
      await scene.appendTo(number, scene.message('first'));
      const ref = await scene.conversationOf(scene.customer);
      assert.equal(await scene.takeOutcome(ref), 'notDue');
      await scene.store.appendBusiness(told(scene));
      const { conversations } = await scene.store.findWork({
        ownerId: 'own_first',
        nowMs: scene.nowMs,
        max: 9,
      });
      assert.deepEqual(conversations, [{ ref, dueAtMs: scene.nowMs }]);
      assert.deepEqual(await factsIn(scene, ref), [paid]);
    },
  },
  {
    name: 'an event waits while an operator holds, through a take-over and until the hand-back',
    invariant: 'I9',
    async body(scene) {
      const ref = await quiet(scene);
      await scene.store.appendBusiness(told(scene));
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      await scene.store.appendBusiness(told(scene, { idempotencyKey: 'k2' }));
      assert.equal(await scene.takeOutcome(ref), 'held');
      await scene.store.handBack({ ref, by: 'ann', nowMs: scene.nowMs });
      const { events } = await scene.take(ref);
      assert.deepEqual(
        events.map((event) => event.kind),
        ['business', 'business', 'handedBack'],
      );
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an event follows its customer through a merge, before it and after it',
    invariant: 'I9',
    async body(scene) {
      const lost = await scene.say('by phone', { from: { phone: '15550002222' } });
      await scene.answer(lost, 'hi');
      const { contactId } = await scene.store
        .appendBusiness(told(scene, toConversation(lost)))
        .then(() => scene.take(lost));
      scene.advance(minuteMs);
      const into = await scene.say('by id', { from: { bsuid: 'US.2' } });
      await scene.say('by both', { from: { phone: '15550002222', bsuid: 'US.2' } });
      const late = await scene.store.appendBusiness(
        told(scene, { ...toConversation(lost), idempotencyKey: 'k2' }),
      );
      assert.deepEqual([late.outcome, 'ref' in late && late.ref], ['stored', into]);
      const byContact = { kind: 'contact' as const, phoneNumberId: '100', contactId };
      const later = await scene.store.appendBusiness(told(scene, { to: byContact, idempotencyKey: 'k3' }));
      assert.deepEqual([later.outcome, 'ref' in later && later.ref], ['stored', into]);
      assert.equal((await factsIn(scene, into)).length, 3);
      const again = await scene.store.appendBusiness(told(scene, toConversation(lost)));
      assert.deepEqual([again.outcome, 'ref' in again && again.ref], ['duplicate', into]);
    },
  },
  {
    name: 'no tenant tells another’s customers anything, nor uses up its idempotency keys',
    invariant: 'I10',
    async body(scene) {
      const beta = phoneNumber({}, { tenantId: 'beta', phoneNumberId: '200' });
      const { ref: mine, contactId } = await known(scene);
      const theirs = await scene.say('hello', { number: beta });
      const foreign = await scene.store.appendBusiness(
        told(scene, { ...toConversation(mine), tenantId: 'beta' }),
      );
      assert.deepEqual(foreign, { outcome: 'unknown', what: 'conversation' });
      const byContact = { kind: 'contact' as const, phoneNumberId: '100', contactId };
      assert.deepEqual(await scene.store.appendBusiness(told(scene, { to: byContact, tenantId: 'beta' })), {
        outcome: 'unknown',
        what: 'contact',
      });
      assert.equal((await scene.store.appendBusiness(told(scene, toConversation(mine)))).outcome, 'stored');
      const own = await scene.store.appendBusiness(
        told(scene, { ...toConversation(theirs), tenantId: 'beta' }),
      );
      assert.equal(own.outcome, 'stored');
    },
  },
  {
    name: 'a dead event of the business can be redriven',
    async body(scene) {
      const ref = await quiet(scene);
      await scene.store.appendBusiness(told(scene));
      const taken = await scene.take(ref);
      const { position } = nth(taken.events, 0);
      await scene.commit(taken, {
        consumed: [{ position, end: 'deadLetter' }],
        deadLetters: [{ deadLetterId: 'dlt_1', position, fault: 'guard threw' }],
      });
      await scene.store.redriveDeadLetter({
        tenantId: 'acme',
        deadLetterId: 'dlt_1',
        by: 'ann',
        nowMs: scene.nowMs,
      });
      assert.deepEqual(await factsIn(scene, ref), [paid]);
    },
  },
  {
    name: 'a key opens for its tenant until it is revoked, also after a restart',
    async body(scene) {
      const keyId = await makeKey(scene, 'digest 1');
      const other = await makeKey(scene, 'digest 2', 'beta');
      await scene.restart('own_first');
      assert.deepEqual(await scene.store.findApiKey('digest 1'), { tenantId: 'acme', keyId });
      assert.deepEqual(await scene.store.findApiKey('digest 2'), { tenantId: 'beta', keyId: other });
      assert.equal(await scene.store.findApiKey('digest 3'), null);
      const revoke = { tenantId: 'acme', keyId, by: 'ann', nowMs: scene.nowMs };
      await assert.rejects(scene.store.revokeApiKey({ ...revoke, tenantId: 'beta' }), faultOf('notFound'));
      await scene.store.revokeApiKey(revoke);
      assert.equal(await scene.store.findApiKey('digest 1'), null);
      await assert.rejects(scene.store.revokeApiKey(revoke), faultOf('conflict'));
    },
  },
  {
    name: 'a tenant has no more live keys than it may, and a revoked one makes room',
    async body(scene) {
      const first = await makeKey(scene, 'digest 1');
      await makeKey(scene, 'digest 2');
      await assert.rejects(makeKey(scene, 'digest 3'), faultOf('conflict'));
      assert.equal(await scene.store.findApiKey('digest 3'), null);
      await makeKey(scene, 'digest 4', 'beta');
      await scene.store.revokeApiKey({ tenantId: 'acme', keyId: first, by: 'ann', nowMs: scene.nowMs });
      await makeKey(scene, 'digest 3');
    },
  },
  {
    name: 'the list of keys tells when each was last used, and never a digest',
    async body(scene) {
      const ref = await quiet(scene);
      const keyId = await makeKey(scene, 'digest 1');
      await makeKey(scene, 'digest 2', 'beta');
      const createdAtMs = scene.nowMs;
      scene.advance(minuteMs);
      await scene.store.appendBusiness(told(scene, { ...toConversation(ref), keyId }));
      const row = { tenantId: 'acme', keyId, label: 'shop', createdBy: 'ann', createdAtMs };
      const keys = await scene.store.listApiKeys({ tenantId: 'acme', max: 9 });
      assert.deepEqual(keys, [{ ...row, lastUsedAtMs: scene.nowMs, revokedAtMs: null }]);
      assert.equal((await scene.store.listApiKeys({ max: 9 })).length, 2);
    },
  },
];

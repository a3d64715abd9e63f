/**
 * After an erasure nothing of what was said is left, while nothing is done twice, no money is lost sight of and no event is
 * without an end.
 */
import assert from 'node:assert/strict';
import type { Sender } from '#core/model/events.ts';
import type { ErasedContact } from '#core/ports/store-contacts.ts';
import { contactIdOf, cost, neighbour, readAll, rowsOf } from './contact-data.ts';
import { accepted, type CaseBody, hourMs, minuteMs, nth, owner, type Scene, secondMs } from './scene.ts';

const tenantId = 'acme';
async function erase(scene: Scene, contactId: string, fileIds: string[] = []): Promise<ErasedContact> {
  const { store, nowMs } = scene;
  return store.eraseContact({ tenantId, contactId, fileIds, filesSeenAtMs: nowMs, by: 'ann', nowMs });
}

async function nothingLeft(scene: Scene, contactId: string): Promise<void> {
  const left = await scene.store.countContact({ tenantId, contactId });
  assert.deepEqual(new Set(Object.values(left)), new Set([0]), `left: ${JSON.stringify(left)}`);
}

/** Nobody runs it any more, whatever its owner says afterwards. */
const settleAs = (
  scene: Scene,
  activityId: string,
  ref: { tenantId: string; conversationId: string },
  end: object,
) => scene.store.settleActivity({ ref, activityId, ownerId: owner, nowMs: scene.nowMs, ...end });

export const erasureCases: readonly CaseBody[] = [
  {
    name: 'contacts that were merged are one: read together, found by any id, erased together',
    async body(scene) {
      await scene.say('by phone', { from: { phone: '15550001111' } });
      const first = await contactIdOf(scene, '+1 (555) 000-1111');
      scene.advance(secondMs);
      await scene.say('by id', { from: { bsuid: 'US.1' } });
      const second = await contactIdOf(scene);
      scene.advance(secondMs);
      await scene.say('both', { from: { phone: '15550001111', bsuid: 'US.1' } });
      const contactId = await contactIdOf(scene);
      assert.deepEqual(
        await Promise.all([first, second].map((contact) => scene.store.findContacts({ tenantId, contact }))),
        [[contactId], [contactId]],
      );
      const rows = await readAll(scene, contactId);
      assert.equal(rowsOf(rows, 'contacts').length, 2);
      assert.equal(rowsOf(rows, 'events').length, 3);
      const { content, eventsEnded } = await erase(scene, first);
      assert.deepEqual([content.events, eventsEnded], [3, 3]);
      await nothingLeft(scene, contactId);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an erasure ends every event that waits for an answer, and none is missing',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('answered');
      const [delivered] = await scene.answer(ref, 'yes');
      await scene.deliver(nth([delivered], 0) as never);
      for (const leave of ['queued', 'sending', 'uncertain', 'held'] as const) {
        const from = { bsuid: `US.${leave}` };
        const [send] = await scene.answer(await scene.say(leave, { from }), 'x');
        if (leave === 'sending') await scene.leave(nth([send], 0) as never);
        if (leave === 'uncertain' || leave === 'held') await scene.loseSight(nth([send], 0) as never);
      }
      scene.advance(hourMs);
      await scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 });
      await scene.think(await scene.say('awaiting', { from: { bsuid: 'US.awaiting' } }), 'act_1');
      await scene.say('open', { from: { bsuid: 'US.open' } });
      for (const who of ['1', 'queued', 'sending', 'uncertain', 'held', 'awaiting', 'open'])
        await erase(scene, await contactIdOf(scene, `US.${who}`));
      const audit = await scene.audit();
      assert.deepEqual(audit.missing, []);
      assert.equal(audit.underWay, 0);
      assert.deepEqual(audit.byEnd, { answered: 1, noAnswerNeeded: 6 });
    },
  },
  {
    name: 'what Meta and the shop tell again after an erasure is known, and stores nothing',
    invariant: 'I2',
    async body(scene) {
      const message = scene.message('hello');
      await scene.append(message);
      const ref = await scene.conversationOf(scene.customer);
      const fact = {
        ...{
          tenantId,
          idempotencyKey: 'order-1',
          request: 'paid by Noor',
          keyId: null,
          name: 'paid',
          data: 'Noor',
        },
        to: { kind: 'conversation' as const, conversationId: ref.conversationId, phoneNumberId: null },
      };
      await scene.store.appendBusiness({ ...fact, nowMs: scene.nowMs });
      const contactId = await contactIdOf(scene);
      await erase(scene, contactId);
      const again = await scene.append(message);
      assert.deepEqual([again.stored, again.duplicates, again.wakes], [0, 1, []]);
      const told = await scene.store.appendBusiness({ ...fact, nowMs: scene.nowMs });
      assert.deepEqual([told.outcome, told.outcome === 'duplicate' && told.isOpen], ['duplicate', false]);
      const other = { ...fact, idempotencyKey: 'order-2', nowMs: scene.nowMs };
      assert.deepEqual(await scene.store.appendBusiness(other), { outcome: 'unknown', what: 'conversation' });
      await nothingLeft(scene, contactId);
    },
  },
  {
    name: 'who writes again after an erasure is a new contact, whom the old conversation knows nothing of',
    async body(scene) {
      const old = await scene.say('before');
      const contactId = await contactIdOf(scene);
      await erase(scene, contactId);
      scene.advance(1);
      const ref = await scene.say('after');
      assert.notEqual(ref.conversationId, old.conversationId);
      assert.notEqual(await contactIdOf(scene), contactId);
      const taken = await scene.take(ref);
      assert.deepEqual([taken.dialogState, taken.events.length], [null, 1]);
      assert.equal(await scene.takeOutcome(old), 'gone');
      const take = scene.store.takeOver({ ref: old, by: 'ann', nowMs: scene.nowMs });
      await assert.rejects(take, { code: 'notFound' });
    },
  },
  {
    name: 'a turn that runs while its contact is erased commits nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      const contactId = await contactIdOf(scene);
      await erase(scene, contactId);
      const commit = scene.commitOf(taken, { sends: [scene.newSend('Noor')], dialogState: '"Noor"' });
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      await nothingLeft(scene, contactId);
    },
  },
  {
    name: 'of an erased contact nothing leaves any more; what is on the wire is settled, also by what comes late',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const [first, second] = await scene.answer(ref, 'one', 'two');
      const granted = await scene.leave(nth([first], 0) as never);
      const contactId = await contactIdOf(scene);
      const erased = await erase(scene, contactId);
      assert.equal(erased.sendsWithdrawn, 1);
      assert.deepEqual((await scene.grant([second] as never))[0]?.outcome, 'gone');
      await scene.settle(granted, accepted('wamid.late', '15550007777', 'US.new'));
      await scene.report(scene.status('delivered', { wamid: 'wamid.late' }));
      const row = await scene.sendRow(granted.send.sendId);
      assert.deepEqual([row.state, row.delivery, row.wamid], ['accepted', 'delivered', 'wamid.late']);
      assert.deepEqual(await scene.store.findContacts({ tenantId, contact: '15550007777' }), []);
      await nothingLeft(scene, contactId);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a send that comes back unsent after an erasure is withdrawn',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const [send] = await scene.answer(ref, 'one');
      const granted = await scene.leave(nth([send], 0) as never);
      await erase(scene, await contactIdOf(scene));
      const later = {
        kind: 'retryLater' as const,
        atMs: scene.nowMs,
        pace: null,
        countsAsAttempt: true,
        errorCode: null,
      };
      await scene.settle(granted, later);
      const { state, why } = await scene.sendRow(granted.send.sendId);
      assert.deepEqual([state, why], ['withdrawn', 'the contact was erased']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'activities of an erased contact are cancelled, and a late result is not kept, also where it was paid for',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('draw me');
      await scene.think(ref, 'act_paid', { cost, input: 'Noor on a horse' });
      await scene.store.beginAttempt({ ref, activityId: 'act_paid', ownerId: owner, nowMs: scene.nowMs });
      const contactId = await contactIdOf(scene);
      const { cancelled } = await erase(scene, contactId);
      assert.deepEqual(cancelled, ['act_paid']);
      const charge = { kind: 'charged' as const, amountMicros: 300 };
      const settled = await settleAs(scene, 'act_paid', ref, { result: 'a picture of Noor', charge });
      assert.equal(settled.outcome, 'late');
      await nothingLeft(scene, contactId);
      const report = await scene.store.readLedger({ by: ['contact'] });
      assert.deepEqual(
        [report.unbalanced, report.rows.map((row) => [row.contactId, row.spentMicros])],
        [0, [[contactId, 300]]],
      );
    },
  },
  {
    name: 'money of an erased contact: what was only reserved goes back, what nobody knows counts as spent and is flagged',
    invariant: 'I7',
    async body(scene) {
      const ref = await scene.say('draw me');
      const taken = await scene.take(ref);
      const activity = { name: 'draw', input: 'Noor', deadlineMs: hourMs, claims: [], cost };
      await scene.commit(taken, {
        activities: ['act_a', 'act_b', 'act_c'].map((activityId) => ({ ...activity, activityId })),
      });
      const attempt = (activityId: string) => ({ ref, activityId, ownerId: owner, nowMs: scene.nowMs });
      await scene.store.beginAttempt(attempt('act_b'));
      await scene.store.endAttempt({ ...attempt('act_b'), charged: 'maybe' });
      await scene.store.beginAttempt(attempt('act_c'));
      await erase(scene, await contactIdOf(scene));
      const [row] = (await scene.store.readLedger({ by: [] })).rows;
      assert.deepEqual([row?.returnedMicros, row?.presumedMicros, row?.reservedMicros], [700, 700, 700]);
      // The process that asked for the last one dies: it cannot be asked about either.
      await scene.restart();
      const { rows, unbalanced } = await scene.store.readLedger({ by: [] });
      assert.deepEqual([rows[0]?.presumedMicros, rows[0]?.reservedMicros, unbalanced], [1_400, 0, 0]);
      scene.advance(hourMs);
      const work = await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 10 });
      assert.deepEqual([work.charges, work.activities], [[], []]);
      const flags = await scene.store.listFlags({ open: true, max: 10 });
      assert.deepEqual(
        flags.map(({ reason }) => reason),
        ['chargeUncertain'],
      );
    },
  },
  {
    name: 'erasing again finds nothing, and changes nothing',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.deliver(nth(await scene.answer(ref, 'yes'), 0));
      await scene.say('again');
      const contactId = await contactIdOf(scene);
      const first = await erase(scene, contactId);
      assert.deepEqual([first.content.events, first.content.sends, first.content.addresses], [2, 1, 2]);
      const before = await readAll(scene, contactId);
      scene.advance(minuteMs);
      const second = await erase(scene, contactId);
      assert.deepEqual(new Set(Object.values(second.content)), new Set([0]));
      assert.deepEqual([second.eventsEnded, second.sendsWithdrawn, second.cancelled], [0, 0, []]);
      assert.deepEqual(await readAll(scene, contactId), before);
      assert.deepEqual(await scene.store.findContacts({ tenantId, contact: 'US.1' }), []);
      assert.deepEqual(await scene.store.findContacts({ tenantId, contact: contactId }), [contactId]);
    },
  },
  {
    name: 'a file that only the erased contact has is let go; one that another names, or that was used since, stays',
    async body(scene) {
      const [own, shared, usedSince] = ['a', 'b', 'c'].map((each) => each.repeat(64)) as [
        string,
        string,
        string,
      ];
      for (const fileId of [own, shared, usedSince])
        await scene.store.noteFile({ tenantId, fileId, mimeType: 'image/png', bytes: 1, nowMs: scene.nowMs });
      scene.advance(hourMs);
      const ref = await scene.say(`see ${own} and ${shared} and ${usedSince} and ${'f'.repeat(64)}`);
      await scene.answer(await scene.say('and I', { from: neighbour }), `here is ${shared}`);
      const contactId = await contactIdOf(scene);
      const of = { tenantId, contactId };
      const fileIds = await scene.store.listContactFiles(of);
      assert.deepEqual(fileIds, [own, shared, usedSince]);
      const used: string[] = [];
      let after: Parameters<typeof scene.store.findFileUses>[0]['after'] = null;
      do {
        const found = await scene.store.findFileUses({ ...of, fileIds, after, maxRows: 1 });
        used.push(...found.used);
        after = found.next;
      } while (after !== null);
      assert.deepEqual(used, [shared]);
      const seenAtMs = scene.nowMs;
      scene.advance(1);
      await scene.store.noteFile({
        tenantId,
        fileId: usedSince,
        mimeType: 'image/png',
        bytes: 1,
        nowMs: scene.nowMs,
      });
      const { content } = await scene.store.eraseContact({
        ...{ ...of, fileIds: [own, usedSince], filesSeenAtMs: seenAtMs, by: 'ann', nowMs: scene.nowMs },
      });
      assert.equal(content.files, 1);
      assert.deepEqual(await scene.store.listUnusedFiles({ unusedSinceMs: 1, max: 9 }), [
        { tenantId, fileId: own },
      ]);
      assert.equal(await scene.takeOutcome(ref), 'gone');
    },
  },
  {
    name: 'a quarantined message of the contact is erased and never comes in; those of others stay',
    async body(scene) {
      await scene.say('known');
      const contactId = await contactIdOf(scene);
      const item = (from: Sender) => ({
        ...{ reason: 'unknownNumber' as const, tenantId: '', phoneNumberId: '777', bytes: null },
        item: scene.message('to a number of nobody', { from }),
      });
      const body = (text: string) => ({
        ...{ reason: 'unreadable' as const, tenantId: '', phoneNumberId: null, item: null },
        bytes: new TextEncoder().encode(text),
      });
      const quarantine = [
        item(scene.customer),
        item(neighbour),
        body('{"from":"15550001111'),
        body('{"from":"915550001111'),
      ];
      for (const each of quarantine) {
        await scene.store.append(scene.batch({ quarantine: [each] }));
        scene.advance(1);
      }
      const { content } = await erase(scene, contactId);
      assert.equal(content.quarantined, 2);
      const open = await scene.store.listQuarantine({ open: true, max: 9 });
      assert.deepEqual(
        open.map((row) => [row.reason, row.item?.type ?? null, row.bytes === null]),
        [
          ['unknownNumber', 'message', true],
          ['unreadable', null, false],
        ],
      );
      await scene.store.append(scene.batch({ quarantine: quarantine.slice(0, 1) }));
      assert.equal((await scene.store.listQuarantine({ open: true, max: 9 })).length, 2);
    },
  },
];

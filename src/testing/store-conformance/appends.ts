/**
 * The way in: what was acknowledged is there, once, whatever is repeated, comes at the same time or stands beside it.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import { isFault } from '#core/model/faults.ts';
import type { QuarantineItem } from '#core/ports/store.ts';
import { type CaseBody, dayMs, nth, phoneNumber, type Scene, texts } from './scene.ts';

const bytes = new TextEncoder().encode('{"not": "readable"');

function quarantined(over: Partial<QuarantineItem> = {}): QuarantineItem {
  return { reason: 'unreadable', tenantId: 'acme', phoneNumberId: null, item: null, bytes, ...over };
}

async function openQuarantine(scene: Scene, phoneNumberIds?: string[]) {
  return scene.store.listQuarantine({ open: true, max: 10, ...(phoneNumberIds ? { phoneNumberIds } : {}) });
}

export const appendCases: readonly CaseBody[] = [
  {
    name: 'a resolved append is there after a restart',
    invariant: 'I1',
    async body(scene) {
      const ref = await scene.say('first');
      await scene.append(scene.message('second'));
      await scene.restart();
      assert.deepEqual(texts(await scene.take(ref, 'own_second')), ['first', 'second']);
    },
  },
  {
    name: 'everything of one body is stored: messages, notices and what could not be placed',
    invariant: 'I1',
    async body(scene) {
      const notice = {
        type: 'notice' as const,
        wabaId: 'waba',
        field: 'account_update',
        atMs: scene.nowMs,
        alert: true,
        dedupeKey: 'n1',
        raw: '{}',
      };
      const batch = scene.batch({
        messages: [
          { number: scene.number, message: scene.message('a') },
          { number: scene.number, message: scene.message('b', { from: { bsuid: 'US.2' } }) },
        ],
        notices: [{ tenantId: 'acme', notice }],
        quarantine: [quarantined()],
      });
      const appended = await scene.store.append(batch);
      assert.deepEqual([appended.stored, appended.duplicates, appended.quarantined], [3, 0, 1]);
      assert.equal(appended.wakes.length, 2);
      await scene.restart();
      assert.equal((await scene.store.stats()).mailboxDepth, 2);
      assert.equal((await openQuarantine(scene)).length, 1);
      const again = await scene.store.append(batch);
      assert.deepEqual([again.stored, again.duplicates], [0, 3]);
      assert.equal((await scene.store.stats()).mailboxDepth, 2);
    },
  },
  {
    name: 'a message that comes again is stored once and wakes again while it is unconsumed',
    invariant: 'I2',
    async body(scene) {
      const message = scene.message('hello');
      await scene.append(message);
      const ref = await scene.conversationOf(scene.customer);
      const again = await scene.append(message, message);
      assert.deepEqual([again.stored, again.duplicates], [0, 2]);
      assert.deepEqual(nth(again.wakes, 0).ref, ref);
      await scene.answer(ref, 'hi');
      const late = await scene.append(message);
      assert.deepEqual([late.duplicates, late.wakes], [1, []]);
      assert.equal(await scene.takeOutcome(ref), 'empty');
    },
  },
  {
    name: 'duplicates that come at the same time make one row',
    invariant: 'I2',
    async body(scene) {
      const messages = ['a', 'b', 'c'].map((text) => scene.message(text));
      const copies = Array.from({ length: 30 }, (_, i) => nth(messages, i % 3));
      const results = await Promise.all(copies.map((message) => scene.append(message)));
      const total = (key: 'stored' | 'duplicates') => results.reduce((sum, each) => sum + each[key], 0);
      assert.deepEqual([total('stored'), total('duplicates')], [3, 27]);
      const taken = await scene.take(await scene.conversationOf(scene.customer));
      assert.deepEqual(texts(taken).sort(), ['a', 'b', 'c']);
    },
  },
  {
    name: 'a dedupe key outlives eight days of pruning, whatever the settings say',
    invariant: 'I2',
    async body(scene) {
      const message = scene.message('hello');
      await scene.append(message);
      await scene.answer(await scene.conversationOf(scene.customer), 'hi');
      scene.advance(8 * dayMs - 1);
      const settings = { nowMs: scene.nowMs, retentionMs: 0, dedupeKeepMs: 0, maxRows: 100 };
      for (let i = 0; i < 30; i++) await scene.store.prune(settings);
      const again = await scene.append(message);
      assert.deepEqual([again.duplicates, again.duplicateWamids], [1, [message.wamid]]);
    },
  },
  {
    name: 'the same wamid on another number, and a standby copy, are other messages',
    invariant: 'I2',
    async body(scene) {
      const other = phoneNumber({}, { phoneNumberId: '200' });
      const copy = scene.message('hello', { wamid: 'wamid.x', kind: 'standby' });
      const message = scene.message('hello', { wamid: 'wamid.x' });
      assert.equal((await scene.append(copy)).stored, 1);
      assert.equal((await scene.append(message)).stored, 1);
      const elsewhere = scene.message('hello', { wamid: 'wamid.x', number: other });
      assert.equal((await scene.appendTo(other, elsewhere)).stored, 1);
    },
  },
  {
    name: 'one bad member of a group fails alone, its neighbours are stored',
    invariant: 'I1',
    async body(scene) {
      const bad = scene.message('bad', { sentAtMs: Number.NaN });
      const members = [scene.message('1'), scene.message('2'), bad, scene.message('3'), scene.message('4')];
      const results = await Promise.allSettled(members.map((message) => scene.append(message)));
      const failed = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
      assert.equal(failed.length, 1);
      assert.ok(
        isFault(failed[0], 'badData'),
        `a bad member is refused as badData, not by ${String(failed[0])}`,
      );
      const taken = await scene.take(await scene.conversationOf(scene.customer));
      assert.deepEqual(texts(taken).sort(), ['1', '2', '3', '4']);
    },
  },
  {
    name: 'a store that is behind refuses as overloaded and stores all that it did not refuse',
    invariant: 'I1',
    async body(scene) {
      const count = limits.appendWaitingMax + 20;
      const messages = Array.from({ length: count }, (_, i) => scene.message(`m${i}`));
      const results = await Promise.allSettled(messages.map((message) => scene.append(message)));
      const refused = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
      assert.ok(refused.length > 0, 'more bodies waited for a commit than may wait');
      for (const reason of refused) {
        assert.ok(isFault(reason, 'overloaded'), `refused by ${String(reason)}`);
        assert.ok((reason.retryAfterMs ?? 0) > 0, 'an overloaded store says when to come back');
      }
      assert.equal((await scene.store.stats()).mailboxDepth, count - refused.length);
      await scene.append(scene.message('after'));
      assert.equal((await scene.store.stats()).mailboxDepth, count - refused.length + 1);
    },
  },
  {
    name: 'quarantine keeps an item once, gives it back as it came, and marks what was appended again',
    async body(scene) {
      const message = scene.message('hello', { number: phoneNumber({}, { phoneNumberId: '900' }) });
      const unknown = quarantined({
        reason: 'unknownNumber',
        phoneNumberId: '900',
        item: message,
        bytes: null,
      });
      const batch = scene.batch({ quarantine: [unknown, quarantined()] });
      await scene.store.append(batch);
      await scene.store.append(batch);
      const all = await openQuarantine(scene);
      assert.equal(all.length, 2);
      assert.deepEqual(Uint8Array.from(all.find((row) => row.item === null)?.bytes ?? []), bytes);
      const [row, ...others] = await openQuarantine(scene, ['900']);
      assert.ok(row !== undefined && others.length === 0);
      assert.deepEqual([row.item, row.reason, row.tenantId], [message, 'unknownNumber', 'acme']);
      await scene.store.markRedriven({ quarantineIds: [row.quarantineId], nowMs: scene.nowMs });
      assert.deepEqual(await openQuarantine(scene, ['900']), []);
      assert.equal((await openQuarantine(scene)).length, 1);
      assert.equal((await scene.store.stats()).quarantineOpen, 1);
      const done = await scene.store.listQuarantine({ open: false, max: 10 });
      assert.equal(nth(done, 0).redrivenAtMs, scene.nowMs);
    },
  },
  {
    name: 'tenants are read as they were applied; a number of another tenant changes nothing',
    async body(scene) {
      const acme = { tenantId: 'acme', name: 'Acme', accessToken: 'sealed', phoneNumbers: [scene.number] };
      const zoo = { tenantId: 'zoo', name: 'Zoo', phoneNumbers: [] };
      await scene.store.applyTenants({ tenants: [acme, zoo], nowMs: scene.nowMs });
      await scene.store.applyTenants({ tenants: [{ ...acme, name: 'Acme 2' }], nowMs: scene.nowMs });
      assert.deepEqual(await scene.store.readTenants(), [{ ...acme, name: 'Acme 2' }, zoo]);
      const thief = { ...zoo, name: 'Thief', phoneNumbers: [{ ...scene.number, tenantId: 'zoo' }] };
      await assert.rejects(scene.store.applyTenants({ tenants: [thief], nowMs: scene.nowMs }), (error) =>
        isFault(error, 'conflict'),
      );
      assert.deepEqual(await scene.store.readTenants(), [{ ...acme, name: 'Acme 2' }, zoo]);
    },
  },
  {
    name: 'the version of the tenants changes with every application and with nothing else',
    async body(scene) {
      const version = async () =>
        (await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 9 })).tenantsVersion;
      const acme = { tenantId: 'acme', name: 'Acme', phoneNumbers: [] };
      const seen = [await version()];
      for (const tenants of [[acme], [{ ...acme, phoneNumbers: [scene.number] }], [{ ...acme, name: 'A' }]]) {
        scene.advance(1);
        await scene.store.applyTenants({ tenants, nowMs: scene.nowMs });
        seen.push(await version());
      }
      assert.equal(new Set(seen).size, seen.length);
      await scene.say('hello');
      assert.equal(await version(), seen.at(-1));
    },
  },
];

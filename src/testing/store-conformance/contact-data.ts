/** What is stored of a contact can be read as a whole, in one order, and nothing of anybody else with it. */
import assert from 'node:assert/strict';
import type { Sender } from '#core/model/events.ts';
import type { ContactCursor, ContactRow, ContactSection } from '#core/ports/store-contacts.ts';
import { type CaseBody, hourMs, nth, phoneNumber, type Scene } from './scene.ts';

const tenantId = 'acme';
export const neighbour: Sender = { phone: '15550009999', bsuid: 'US.9', name: 'Sami' };
/** Of paid work. */
export const cost = {
  ...{ currency: 'EUR', amountMicros: 700 },
  ...{ onUncertain: 'retryWithKey' as const, late: 'reuse' as const },
};

export async function contactIdOf(scene: Scene, address = 'US.1'): Promise<string> {
  const found = await scene.store.findContacts({ tenantId: 'acme', contact: address });
  assert.equal(found.length, 1, `the address leads to ${found.length} contacts`);
  return nth(found, 0);
}

/** Every page, so small that each holds a row or two. */
export async function readAll(
  scene: Scene,
  contactId: string,
  bytesMax = 1,
  of = tenantId,
): Promise<ContactRow[]> {
  const rows: ContactRow[] = [];
  let after: ContactCursor | null = null;
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await scene.store.readContact({ tenantId: of, contactId, after, bytesMax });
    rows.push(...page.rows);
    if (page.next === null) return rows;
    after = page.next;
  }
  return assert.fail('reading a contact comes to no end');
}

export const rowsOf = (rows: readonly ContactRow[], section: ContactSection) =>
  rows.filter((each) => each.section === section).map(({ row }) => row);

export const contactDataCases: readonly CaseBody[] = [
  {
    name: 'everything of a contact is read page by page, in order, each row once, however small a page',
    async body(scene) {
      const ref = await scene.say('one');
      await scene.think(ref, 'act_1', { cost });
      await scene.say('two');
      await scene.deliver(nth(await scene.answer(ref, 'three', 'four'), 0));
      const flags = [{ flagId: 'flg_1', reason: 'customerAsked' as const, detail: 'asked' }];
      const timers = [{ timerId: 't', token: '1', dueAtMs: scene.nowMs + hourMs }];
      await scene.say('five');
      await scene.commit(await scene.take(ref), { flags, timers, dialogState: '{"name":"Noor"}' });
      scene.advance(1);
      await scene.say('elsewhere', { number: phoneNumber({}, { phoneNumberId: '200' }) });
      const contactId = await contactIdOf(scene);
      const rows = await readAll(scene, contactId);
      assert.deepEqual(await readAll(scene, contactId, 1_000_000), rows);
      assert.deepEqual(
        rowsOf(rows, 'events').map(({ content }) => (content as { text?: string }).text),
        ['one', 'two', 'five', 'elsewhere'],
      );
      assert.deepEqual(
        rowsOf(rows, 'sends').map(({ state, body }) => [state, body]),
        [
          ['accepted', { type: 'text', text: { body: 'three' } }],
          ['queued', { type: 'text', text: { body: 'four' } }],
        ],
      );
      assert.deepEqual(rowsOf(rows, 'conversations')[0]?.dialogState, { name: 'Noor' });
      assert.deepEqual(rowsOf(rows, 'activities')[0]?.input, { n: 1 });
      assert.deepEqual(rowsOf(rows, 'ledger')[0]?.postings, [
        { atMs: scene.nowMs - 1, from: 'budget', to: 'reserved', amountMicros: 700 },
      ]);
      assert.equal(rowsOf(rows, 'flags')[0]?.detail, 'asked');
      assert.equal(rowsOf(rows, 'timers').length, 1);
      assert.deepEqual(
        rowsOf(rows, 'addresses').map(({ kind, value }) => [kind, value]),
        [
          ['bsuid', 'US.1'],
          ['phone', '15550001111'],
        ],
      );
    },
  },
  {
    name: "nothing of another contact is read, nor of another tenant's with the same addresses",
    invariant: 'I10',
    async body(scene) {
      const foreign = phoneNumber({}, { tenantId: 'globex', phoneNumberId: '900' });
      await scene.say('mine');
      await scene.say('not mine', { from: neighbour });
      await scene.say('nor mine', { number: foreign });
      const contactId = await contactIdOf(scene);
      const texts = (rows: ContactRow[]) =>
        rowsOf(rows, 'events').map(({ content }) => (content as { text?: string }).text);
      assert.deepEqual(texts(await readAll(scene, contactId)), ['mine']);
      const [theirs] = await scene.store.findContacts({ tenantId: 'globex', contact: 'US.1' });
      assert.deepEqual(texts(await readAll(scene, String(theirs), 1, 'globex')), ['nor mine']);
      const { nowMs } = scene;
      const of = { tenantId, contactId, fileIds: [], filesSeenAtMs: nowMs };
      await scene.store.eraseContact({ ...of, by: 'ann', nowMs });
      assert.deepEqual(texts(await readAll(scene, String(theirs), 1, 'globex')), ['nor mine']);
      assert.deepEqual(texts(await readAll(scene, await contactIdOf(scene, 'US.9'))), ['not mine']);
      assert.deepEqual(await scene.store.findContacts({ tenantId: 'initech', contact: 'US.1' }), []);
    },
  },
];

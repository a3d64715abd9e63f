/**
 * Data that databases mangle: NUL, half a surrogate pair, numbers out of range. A driver keeps them exactly or refuses
 * them as `badData`; it never alters them, and never takes two different ids for one.
 */
import assert from 'node:assert/strict';
import type { InboundMessage, MessageContent } from '#core/model/events.ts';
import { isFault } from '#core/model/faults.ts';
import type { CaseBody, Scene } from './scene.ts';

const hardTexts: readonly [string, string][] = [
  ['NUL', 'a\u0000b'],
  ['a high half', 'a\ud800b'],
  ['a low half at the end', 'ab\udc00'],
  ['a whole pair', 'a\u{1f600}b'],
  ['quotes and escapes', `'"\\;--\n\u2028`],
];

const hardContents: readonly [string, MessageContent][] = [
  ...hardTexts.map(([name, text]): [string, MessageContent] => [name, { text }]),
  ['a latitude out of range', { location: { latitude: Number.POSITIVE_INFINITY, longitude: 1 } }],
  ['a number out of range deep inside', { contacts: [null, { deep: [Number.NEGATIVE_INFINITY] }] }],
  [
    'no number',
    {
      order: { catalogId: 'c', items: [{ productId: 'p', quantity: Number.NaN, price: 1, currency: 'EUR' }] },
    },
  ],
  ['null inside', { contacts: [null, { empty: null }] }],
  ['a great number', { location: { latitude: 1.7e308, longitude: 5e-324 } }],
];

/** Appends; true where it was stored, false where it was refused as badData. */
async function stored(scene: Scene, message: InboundMessage): Promise<boolean> {
  try {
    await scene.append(message);
    return true;
  } catch (error) {
    assert.ok(isFault(error, 'badData'), `hard data is refused as badData, not by ${String(error)}`);
    assert.equal(error.disposition, 'dead');
    return false;
  }
}

/** Every event that waits, over all conversations. */
async function waiting(scene: Scene) {
  const work = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 100 });
  const taken = await Promise.all(work.conversations.map(({ ref }) => scene.take(ref)));
  return taken.flatMap((each) => each.events);
}

export const hardDataCases: readonly CaseBody[] = [
  ...hardContents.map(
    ([name, content]): CaseBody => ({
      name: `content with ${name} is kept exactly or refused as badData`,
      invariant: 'I1',
      async body(scene) {
        const kept = await stored(scene, scene.message('', { content }));
        const events = await waiting(scene);
        assert.equal(events.length, kept ? 1 : 0);
        if (kept) assert.deepEqual(events[0]?.content, content);
      },
    }),
  ),
  ...hardTexts.map(
    ([name, hard]): CaseBody => ({
      name: `a wamid with ${name} is kept exactly or refused as badData`,
      invariant: 'I2',
      async body(scene) {
        const kept = await stored(scene, scene.message('x', { wamid: `wamid.${hard}` }));
        const events = await waiting(scene);
        assert.deepEqual(
          events.map((event) => event.wamid),
          kept ? [`wamid.${hard}`] : [],
        );
      },
    }),
  ),
  {
    name: 'two ids that differ only in what cannot be kept are never taken for one',
    invariant: 'I2',
    async body(scene) {
      let kept = 0;
      for (const hard of ['\ud800', '\ud801', '\ufffd', '\u0000', '\u0000x', ''])
        kept += Number(await stored(scene, scene.message('x', { wamid: `wamid.${hard}` })));
      assert.equal((await waiting(scene)).length, kept);
      assert.ok(kept >= 2, 'ordinary ids are kept');
    },
  },
  {
    name: 'two addresses that differ only in what cannot be kept never lead to one contact',
    invariant: 'I10',
    async body(scene) {
      const senders = ['\ud800', '\ud801', '\ufffd'].map((hard) => ({ bsuid: `US.${hard}` }));
      let kept = 0;
      for (const from of senders) kept += Number(await stored(scene, scene.message('x', { from })));
      const work = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 10 });
      assert.equal(work.conversations.length, kept);
    },
  },
  {
    name: 'a name that cannot be shown does not stop the message',
    invariant: 'I1',
    async body(scene) {
      const from = { ...scene.customer, name: 'No\ud800or\u0000', username: '\udc00' };
      assert.ok(await stored(scene, scene.message('hello', { from })));
      assert.equal((await waiting(scene)).length, 1);
    },
  },
  {
    name: 'a time that is none is refused as badData, for a message, a status and a notice',
    invariant: 'I1',
    async body(scene) {
      for (const sentAtMs of [Number.NaN, Number.POSITIVE_INFINITY, 1e300])
        assert.equal(await stored(scene, scene.message('x', { sentAtMs })), false);
      const isBad = (error: unknown) => isFault(error, 'badData');
      await assert.rejects(scene.report(scene.status('sent', { atMs: Number.NaN })), isBad);
      const notice = {
        type: 'notice' as const,
        wabaId: 'waba',
        field: 'f',
        atMs: Number.NaN,
        alert: false,
        dedupeKey: 'n',
        raw: '{}',
      };
      await assert.rejects(
        scene.store.append(scene.batch({ notices: [{ tenantId: 'acme', notice }] })),
        isBad,
      );
    },
  },
  {
    name: 'bytes in quarantine come back as they came',
    invariant: 'I1',
    async body(scene) {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const item = {
        reason: 'badData' as const,
        tenantId: '',
        phoneNumberId: '10\ud8000',
        item: null,
        bytes,
      };
      await scene.store.append(scene.batch({ quarantine: [item] }));
      const [row] = await scene.store.listQuarantine({ open: true, max: 10 });
      assert.deepEqual(Uint8Array.from(row?.bytes ?? []), bytes);
    },
  },
];

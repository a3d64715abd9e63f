/**
 * Poison: an event that a turn cannot digest becomes a dead letter in one commit, the mailbox goes on, and a person may
 * drive it again, once.
 */
import assert from 'node:assert/strict';
import { isFault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { type CaseBody, nth, type Scene } from './scene.ts';

/** The first event of the mailbox is poison; the rest is answered. */
async function bury(scene: Scene, ref: ConversationRef): Promise<string> {
  const taken = await scene.take(ref);
  const poison = nth(taken.events, 0).position;
  const deadLetterId = scene.id('dlt');
  const flagId = scene.id('flg');
  await scene.commit(taken, {
    consumed: taken.events.map(({ position }) => ({
      position,
      end: position === poison ? 'deadLetter' : 'awaiting',
    })),
    deadLetters: [{ deadLetterId, position: poison, fault: 'guard threw' }],
    flags: [{ flagId, reason: 'deadLetter', detail: null }],
    ends: [
      { end: 'flagged', endRef: flagId, through: Math.max(...taken.events.map((each) => each.position)) },
    ],
    fallbackSent: true,
  });
  return deadLetterId;
}

export const deadLetterCases: readonly CaseBody[] = [
  {
    name: 'a poison event becomes a dead letter with a flag, and the mailbox goes on',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('poison');
      await scene.say('fine');
      const deadLetterId = await bury(scene, ref);
      const [row] = await scene.store.listDeadLetters({ tenantId: 'acme', open: true, max: 10 });
      assert.deepEqual(
        [row?.deadLetterId, row?.conversationId, row?.kind, row?.fault, row?.redrivenAtMs],
        [deadLetterId, ref.conversationId, 'text', 'guard threw', null],
      );
      assert.deepEqual((await scene.audit()).byEnd, { deadLetter: 1, flagged: 1 });
      await scene.assertNothingMissing();
      await scene.say('next');
      const taken = await scene.take(ref);
      assert.equal(taken.events.length, 1);
      assert.equal(taken.lastFallbackAtMs, scene.nowMs);
    },
  },
  {
    name: 'a person drives a dead letter again once: it stands at the end of its mailbox as it came',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('poison');
      const deadLetterId = await bury(scene, ref);
      const redrive = () =>
        scene.store.redriveDeadLetter({ tenantId: 'acme', deadLetterId, by: 'ann', nowMs: scene.nowMs });
      await scene.say('later');
      assert.deepEqual(await redrive(), ref);
      const taken = await scene.take(ref);
      assert.deepEqual(
        taken.events.map(({ kind, content, wamid }) => [kind, content.text, wamid]),
        [
          ['text', 'later', 'wamid.in.2'],
          ['text', 'poison', 'wamid.in.1'],
        ],
      );
      await assert.rejects(redrive(), (error) => isFault(error, 'conflict'));
      assert.equal((await scene.store.stats()).deadLettersOpen, 0);
      await scene.commit(taken);
      assert.equal(
        (await scene.audit()).missingCount,
        2,
        'a message that was driven again wants an answer, too',
      );
    },
  },
  {
    name: 'there is no dead letter of another tenant',
    invariant: 'I10',
    async body(scene) {
      const ref = await scene.say('poison');
      const deadLetterId = await bury(scene, ref);
      const foreign = { tenantId: 'zoo', deadLetterId, by: 'ann', nowMs: scene.nowMs };
      await assert.rejects(scene.store.redriveDeadLetter(foreign), (error) => isFault(error, 'notFound'));
      assert.equal((await scene.store.listDeadLetters({ tenantId: 'zoo', open: true, max: 10 })).length, 0);
    },
  },
];

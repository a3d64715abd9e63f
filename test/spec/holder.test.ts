/** The page of the holder against the store, cell by cell. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { minuteMs, otherOwner, owner } from '#testing/store-conformance/scene.ts';
import { readPage } from './page.ts';
import { byId, customer, openStage, type Stage } from './stage.ts';
import { type Lifecycle, type Way, walk, walksEveryStatement } from './walk.ts';

interface Subject {
  ref: ConversationRef;
}

type To = Way<Subject, object>;

const activityId = 'act_1';

const rowOf = (stage: Stage, { ref }: Subject) => stage.conversation(ref);

function stateOf(stage: Stage, subject: Subject): string {
  const row = rowOf(stage, subject);
  return row?.merged_into === null ? String(row.holder) : 'merged';
}

// --- ways into the states -------------------------------------------------------------------------------------------

/** A turn has run; the activity that it started still runs. */
const bot: To = async (stage) => {
  const ref = await stage.say('hello', { from: customer });
  const activity = { activityId, name: 'x', input: null, deadlineMs: minuteMs, claims: [] };
  await stage.turn(ref, { activities: [activity] });
  return { ref };
};

const then =
  (from: To, next: (stage: Stage, subject: Subject) => Promise<unknown>): To =>
  async (stage) => {
    const subject = await from(stage, {});
    await next(stage, subject);
    return subject;
  };

const takeOver = (stage: Stage, { ref }: Subject) => stage.takeOver(ref);
const operator = then(bot, takeOver);

const states: Lifecycle<Subject, object>['states'] = {
  bot: [bot, then(operator, (stage, { ref }) => stage.handBack(ref))],
  operator: [operator, then(bot, (stage) => stage.echo())],
  merged: [then(bot, (stage) => stage.merge('lost')), then(operator, (stage) => stage.merge('lost'))],
};

// --- inputs ---------------------------------------------------------------------------------------------------------

async function reply(stage: Stage, { ref }: Subject) {
  const sends = [stage.newSend('a person here', { origin: 'operator' })];
  await stage.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: stage.nowMs });
}

async function handOff(stage: Stage, { ref }: Subject) {
  await stage.say('a person, please', { from: customer });
  await stage.turnIfAny(ref, { handOff: true });
}

/** Nobody writes for as long as a hold may be idle; only holds are listed. */
async function idle(stage: Stage, subject: Subject, rule: 'alert' | 'handBack') {
  stage.advance(limits.holdIdleMs);
  const listed = await stage.store.listIdleHolds({ nowMs: stage.nowMs, idleMs: limits.holdIdleMs, max: 9 });
  const isListed = listed.some((hold) => hold.conversationId === subject.ref.conversationId);
  expect(isListed).toBe(stateOf(stage, subject) === 'operator');
  if (isListed && rule === 'handBack') await stage.handBack(subject.ref);
}

const inputs: Lifecycle<Subject, object>['inputs'] = {
  'take-over': { apply: takeOver },
  'operator’s reply': { apply: reply },
  'owner’s echo': { apply: (stage) => stage.echo() },
  'owner’s echo in a group': { apply: (stage) => stage.echo({ groupId: 'group' }) },
  'hand-off by the dialog': { apply: handOff },
  'hand-back': { apply: (stage, { ref }) => stage.handBack(ref) },
  'idle, rule: alert': { apply: (stage, subject) => idle(stage, subject, 'alert') },
  'idle, rule: hand back': { apply: (stage, subject) => idle(stage, subject, 'handBack') },
  'flags resolved': {
    apply: (stage, { ref }) => stage.store.resolveFlags({ ...ref, by: 'ann', nowMs: stage.nowMs }),
  },
  message: { apply: (stage) => stage.say('one more', { from: customer }) },
  'standby copy': { apply: (stage) => stage.say('to the other app', { from: customer, kind: 'standby' }) },
  'end of an activity': {
    apply: (stage, { ref }) =>
      stage.store.settleActivity({ ref, activityId, ownerId: owner, nowMs: stage.nowMs, result: 1 }),
  },
  'process dies': {
    apply: (stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true }),
  },
  'after a restore': { apply: (stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs }) },
  'merge, its side survives': { apply: (stage) => stage.merge('survives') },
  'merge, the other side is held': { apply: (stage) => stage.merge('survives', true) },
  'merge, its side is lost': {
    async apply(stage, subject) {
      const isHeld = stateOf(stage, subject) === 'operator';
      const wasMerged = stateOf(stage, subject) === 'merged';
      await stage.merge('lost');
      const survivor = stage.conversation(await stage.conversationOf(byId));
      if (!wasMerged) expect(survivor?.holder).toBe(isHeld ? 'operator' : 'bot');
    },
  },
  'the contact is erased': { apply: (stage) => stage.erase() },
  retention: { apply: (stage) => stage.retention() },
};

walk<Subject, object>({ page: 'holder', table: 'input', states, inputs, stateOf, rowOf });

describe('holders', () => {
  walksEveryStatement('conversation', ['holder', 'held_by', 'operator_last_at_ms', 'seen_through']);

  test('the states of the page are those that the schema allows, and what is merged away', async () => {
    const stage = openStage();
    const { states: named } = readPage('holder').table('input');
    expect([...stage.allowed('conversation', 'holder'), 'merged']).toEqual(named);
    await stage.close();
  });
});

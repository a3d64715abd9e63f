/** How an event gets into a mailbox, for the cells of its page: a message, the result of an activity, what the business told. */
import type { MessageKind } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendRef } from '#core/ports/store.ts';
import { nth, owner } from '#testing/store-conformance/scene.ts';
import { customer, type Stage } from './stage.ts';

export interface Subject {
  ref: ConversationRef;
  key: string;
  /** A send that answers it or that left for the conversation before. */
  send: SendRef | null;
  deadLetterId: string;
}

export interface Given {
  kind: 'context' | 'internal' | 'business';
  /** How far a send of the conversation has got; accepted where absent. */
  send: 'queued' | 'sending' | 'uncertain';
  /** An operator holds the conversation. */
  held: true;
  /** Where it stands in a hold: before or after the operator's last word. */
  word: 'before' | 'after';
}

const subjectWamid = 'wamid.subject';
export const messageKey = `100:${subjectWamid}`;

/** As it came and as it may come again. */
export function message(stage: Stage, kind: MessageKind = 'text') {
  return stage.message('hello', { from: customer, wamid: subjectWamid, kind, sentAtMs: stage.nowMs });
}

export async function progress(stage: Stage, send: SendRef, to: Given['send'] | undefined): Promise<void> {
  if (to === undefined) await stage.deliver(send);
  if (to === 'sending') await stage.leave(send);
  if (to === 'uncertain') await stage.loseSight(send);
}

/** An earlier message was flagged with a fallback text, whose send is `given.send`. */
export async function earlierSend(stage: Stage, given: Partial<Given>): Promise<SendRef | null> {
  if (given.send === undefined) return null;
  const ref = await stage.say('before', { from: customer });
  const flagId = stage.id('flg');
  const taken = await stage.take(ref);
  const { sends } = await stage.commit(taken, {
    sends: [stage.newSend('sorry', { origin: 'fallback' })],
    flags: [{ flagId, reason: 'cannotRead', detail: null }],
    ends: [{ end: 'flagged', endRef: flagId, through: 9 }],
  });
  await progress(stage, nth(sends, 0), given.send);
  return nth(sends, 0);
}

/** The result of an activity. */
export async function openResult(stage: Stage, send: SendRef | null): Promise<Subject> {
  const ref = await stage.say('think', { from: customer });
  const activity = { activityId: 'act_1', name: 'x', input: null, deadlineMs: 1, claims: [] };
  await stage.turn(ref, { activities: [activity] });
  await stage.store.settleActivity({
    ref,
    activityId: 'act_1',
    ownerId: owner,
    nowMs: stage.nowMs,
    result: 1,
  });
  return { ref, key: 'activity:act_1', send, deadLetterId: 'dlt_none' };
}

/** What the business' own systems tell. */
export async function openFact(stage: Stage, send: SendRef | null): Promise<Subject> {
  const ref = await stage.say('I will pay', { from: customer });
  await stage.turn(ref);
  await tell(stage, ref);
  return { ref, key: 'business:paid', send, deadLetterId: 'dlt_none' };
}

export function tell(stage: Stage, { conversationId }: ConversationRef) {
  return stage.store.appendBusiness({
    ...{ tenantId: 'acme', idempotencyKey: 'paid', request: 'paid', keyId: null, nowMs: stage.nowMs },
    to: { kind: 'conversation', conversationId, phoneNumberId: null },
    ...{ name: 'payment.succeeded', data: null },
  });
}

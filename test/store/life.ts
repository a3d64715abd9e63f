/** A customer who leaves something in every table that can hold what somebody said. */
import type { Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { hourMs, nth, owner, phoneNumber, type Scene } from '#testing/store-conformance/scene.ts';

const other = phoneNumber({}, { phoneNumberId: '200' });

interface Life {
  scene: Scene;
  ref: ConversationRef;
  from: Sender;
  /** Stands in everything that is said. */
  word: string;
  /** Ids are made with it. */
  tag: string;
  state: string;
}

/** Everything that a customer can leave in the store. */
export async function live(
  scene: Scene,
  from: Sender,
  word: string,
  tag: string,
  more = '',
): Promise<ConversationRef> {
  const ref = await scene.say(`${word} first ${more}`, { from });
  await scene.say(`${word} on another number`, { from, number: other });
  const life = { scene, ref, from, word, tag, state: JSON.stringify({ context: { name: word, more } }) };
  const flagId = await work(life);
  await hear(life);
  await die(life, flagId);
  const media = { mediaId: '1', mimeType: 'image/png', caption: word };
  await scene.say('', { from, kind: 'image', content: { media } });
  await strayed(life);
  return ref;
}

/** A turn with a flag, a timer and activities: one is done, one runs, one has asked its provider, one has not. */
async function work({ scene, ref, from, word, tag, state }: Life): Promise<string> {
  const flagId = scene.id('flg');
  const found = await scene.store.findContacts({ tenantId: 'acme', contact: from.bsuid ?? from.phone ?? '' });
  const claims = [{ limit: 'each', scope: nth(found, 0), windowMs: hourMs, max: 99, amount: 1 }];
  const cost = { currency: 'EUR', amountMicros: 500, onUncertain: 'retryWithKey', late: 'reuse' } as const;
  const activity = (name: string, more = {}) => ({
    ...{ activityId: `act_${tag}${name}`, name, input: { words: word }, deadlineMs: hourMs, claims },
    ...more,
  });
  await scene.commit(await scene.take(ref), {
    dialogState: state,
    activities: [
      activity('done'),
      activity('runs'),
      activity('paid', { cost }),
      activity('unpaid', { cost }),
    ],
    timers: [{ timerId: 'silence', token: '1', dueAtMs: scene.nowMs + hourMs }],
    flags: [{ flagId, reason: 'customerAsked', detail: `${word} wants a person` }],
  });
  const by = { ref, ownerId: owner, nowMs: scene.nowMs };
  await scene.store.settleActivity({ ...by, activityId: `act_${tag}done`, result: { answer: word } });
  await scene.store.beginAttempt({ ...by, activityId: `act_${tag}paid` });
  return flagId;
}

/** The shop tells something; one answer was delivered, one is on the wire, one waits. */
async function hear({ scene, ref, word, tag }: Life): Promise<void> {
  await scene.store.appendBusiness({
    ...{ tenantId: 'acme', idempotencyKey: `order-${tag}`, request: `${word} ordered`, keyId: null },
    ...{ to: { kind: 'conversation', conversationId: ref.conversationId, phoneNumberId: null } },
    ...{ name: 'order.shipped', data: { to: word }, nowMs: scene.nowMs },
  });
  const template = { type: 'template', template: { name: word, language: { code: 'de' } } } as const;
  const sends = await scene.answer(
    ref,
    scene.newSend(`${word} delivered`, { quoteWamid: 'wamid.quoted' }),
    scene.newSend(`${word} on the wire`),
    scene.newSend(`${word} waits`, { ifWindowClosed: template }),
  );
  await scene.deliver(nth(sends, 0), `wamid.${tag}`);
  await scene.leave(nth(sends, 1));
}

/** The dialog throws. */
async function die({ scene, ref, from, word, state }: Life, flagId: string): Promise<void> {
  await scene.say(`${word} makes the dialog throw`, { from });
  const taken = await scene.take(ref);
  const last = nth(taken.events, taken.events.length - 1).position;
  await scene.commit(taken, {
    dialogState: state,
    deadLetters: [{ deadLetterId: scene.id('dlt'), position: last, fault: `cannot read ${word}` }],
    consumed: taken.events.map(({ position }) => ({
      position,
      end: position === last ? 'deadLetter' : 'noAnswerNeeded',
    })),
    ends: [{ end: 'flagged', endRef: flagId, through: last }],
  });
}

/** What names the customer and stands in no mailbox. */
async function strayed({ scene, from, word, tag }: Life): Promise<void> {
  const item = scene.message(`${word} to a number of nobody`, { from });
  const bytes = new TextEncoder().encode(`{"from":"${from.phone}","${word}`);
  const raw = JSON.stringify({ wa_id: from.phone, words: word });
  const about = { wabaId: 'waba', field: 'user_preferences', alert: false };
  const notice = { ...about, type: 'notice' as const, atMs: scene.nowMs, dedupeKey: `notice-${tag}`, raw };
  await scene.store.append(
    scene.batch({
      quarantine: [
        { reason: 'unknownNumber', tenantId: '', phoneNumberId: '100', item, bytes: null },
        { reason: 'unreadable', tenantId: '', phoneNumberId: null, item: null, bytes },
      ],
      notices: [{ tenantId: 'acme', notice }],
    }),
  );
}

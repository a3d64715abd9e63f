/**
 * The one way in: webhook bodies as `append.sql` takes them, and what became of each. Everything that a database could mangle
 * is refused here, before its body joins a group. To store another field of a message, encode it here and write it in
 * `_store_messages`.
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { refuseWhenBehind } from '#core/model/behind.ts';
import { wholeChange } from '#core/model/contacts.ts';
import { answerClassOf, type InboundMessage, messageKeyOf } from '#core/model/events.ts';
import { showable, storableInteger, storableJson, storableText } from '#core/model/storable.ts';
import type { AppendBatch, Appended, AppendMessage, QuarantineItem, Store } from '#core/ports/store.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';

type Encoded = ReturnType<typeof encode>;

interface Answer {
  messages: MessageAnswer[];
  /** Whether each was new. */
  notices: boolean[];
}

interface MessageAnswer {
  outcome: 'stored' | 'duplicate';
  conversationId?: string;
  /** From the time of the body; null where nobody need be woken. */
  dueInMs?: number | null;
  merged?: string[];
  tookOver?: boolean;
  cancelled?: string[];
}

interface GroupAnswer {
  messages: MessageAnswer[];
  /** For each body; null where none has any. */
  notices: boolean[][] | null;
}

export function appendMethods(db: Database): Pick<Store, 'append'> {
  const group = new Group<Encoded, Answer>(db, {
    transaction: 'append',
    function: 'append',
    form: { inputOf, answersOf },
    costOf: (item) => 1 + item.messages.length + item.notices.length + item.quarantine.length,
    // A call costs by itself what about fifteen messages more in it cost.
    besideMin: 32,
    // What a customer writes in two bodies is stored in the order in which they came.
    keysOf,
  });
  return {
    async append(batch) {
      refuseWhenBehind('append', group.waiting());
      return decode(batch, await group.submit(encode(batch)));
    },
  };
}

/** Every address that a body names: who writes under two is in one call with both. */
function keysOf({ messages }: Encoded): string[] {
  const keys: string[] = [];
  for (const { tenantId, phone, bsuid, parentBsuid, change } of messages) {
    for (const address of [phone, bsuid, parentBsuid, ...(change === undefined ? [] : Object.values(change))])
      if (address !== undefined) keys.push(`${tenantId} ${address}`);
  }
  return keys;
}

/** The messages of all bodies in one list, so that the function takes them apart once. */
function inputOf(bodies: readonly Encoded[]): object {
  return {
    items: bodies.map(({ nowMs, notices, quarantine }) => ({ nowMs, notices, quarantine })),
    messages: bodies.flatMap(({ messages }, nth) => messages.map((each) => ({ body: nth + 1, ...each }))),
  };
}

function answersOf(answer: unknown, bodies: readonly Encoded[]): Answer[] {
  const { messages, notices } = answer as GroupAnswer;
  let before = 0;
  return bodies.map((body, nth) => {
    const own = messages.slice(before, before + body.messages.length);
    before += body.messages.length;
    return { messages: own, notices: notices?.[nth] ?? [] };
  });
}

function encode(batch: AppendBatch) {
  return {
    nowMs: batch.receivedAtMs,
    messages: batch.messages.map(encodeMessage),
    notices: batch.notices.map(({ tenantId, notice }) => ({
      tenantId,
      dedupeKey: storableText(notice.dedupeKey, 'key of a notice'),
      field: storableText(notice.field, 'field of a notice'),
      phoneNumberId: notice.phoneNumberId,
      alert: notice.alert,
      atMs: storableInteger(notice.atMs, 'time of a notice'),
      raw: storableText(notice.raw, 'raw form of a notice'),
    })),
    quarantine: batch.quarantine.map(encodeQuarantined),
  };
}

function encodeMessage({ number, message }: AppendMessage) {
  const { kind, content } = message;
  const isOfGroup = content.groupId !== undefined;
  const opensWindow = !isOfGroup && kind !== 'echo' && kind !== 'standby' && kind !== 'system';
  return {
    tenantId: number.tenantId,
    phoneNumberId: number.phoneNumberId,
    wabaId: number.wabaId,
    perSecond: number.sendsPerSecondMax,
    quietMs: number.settings.quietMs ?? 0,
    quietMaxMs: number.settings.quietMaxMs ?? limits.quietMaxMs,
    key: storableText(messageKeyOf(message), 'id of a message'),
    kind,
    // A group's messages are stored and not answered, whatever their kind.
    class: isOfGroup ? 'never' : answerClassOf[kind],
    wamid: message.wamid,
    sentAtMs: storableInteger(message.sentAtMs, 'time of a message'),
    content: storableJson(content, 'content of a message'),
    raw: storableText(message.raw, 'raw form of a message'),
    opensWindow,
    // Meta tells who owns the customer's chat by the field a message comes in.
    standby: kind === 'standby' ? true : opensWindow ? false : undefined,
    isEcho: kind === 'echo' && !isOfGroup,
    ...encodeSender(message),
  };
}

/** The addresses that the message names, the change that it announces, and what is true of its sender from now on. */
function encodeSender({ sender, content }: InboundMessage) {
  const address = (value: string | undefined) =>
    value === undefined ? undefined : storableText(value, 'address of a customer');
  const announced = content.system?.change;
  const change = announced === undefined ? undefined : wholeChange(announced, sender);
  return {
    phone: address(sender.phone),
    bsuid: address(sender.bsuid),
    parentBsuid: address(sender.parentBsuid),
    name: showable(sender.name),
    username: showable(sender.username),
    nowPhone: address(announced?.newPhone ?? sender.phone),
    nowBsuid: address(announced?.newBsuid ?? sender.bsuid),
    change: change && {
      oldPhone: address(change.oldPhone),
      newPhone: address(change.newPhone),
      oldBsuid: address(change.oldBsuid),
      newBsuid: address(change.newBsuid),
      newParentBsuid: address(change.newParentBsuid),
    },
  };
}

function encodeQuarantined(item: QuarantineItem) {
  const json = item.item === null ? null : storableJson(item.item, 'quarantined item');
  const digest = createHash('sha256').update(json ?? item.bytes ?? '');
  return {
    reason: item.reason,
    tenantId: item.tenantId,
    phoneNumberId: showable(item.phoneNumberId ?? undefined),
    item: json,
    bytes: item.bytes === null ? null : Buffer.from(item.bytes).toString('base64'),
    dedupeKey: digest.digest('hex').slice(0, 32),
  };
}

function decode(batch: AppendBatch, answer: Answer): Appended {
  const appended: Appended = {
    wakes: [],
    stored: 0,
    duplicates: 0,
    duplicateWamids: [],
    quarantined: batch.quarantine.length,
    merged: [],
    tookOver: [],
    cancelled: [],
  };
  for (const isNew of answer.notices) appended[isNew ? 'stored' : 'duplicates'] += 1;
  for (const [index, each] of batch.messages.entries()) {
    const became = answer.messages[index];
    if (became === undefined) throw new Error('The function append of the database answered too little.');
    tell(appended, each, batch.receivedAtMs, became);
  }
  return appended;
}

function tell(
  appended: Appended,
  { number, message }: AppendMessage,
  nowMs: number,
  became: MessageAnswer,
): void {
  const refTo = (conversationId: string) => ({ tenantId: number.tenantId, conversationId });
  const { conversationId, dueInMs = null, merged = [], tookOver = false, cancelled = [] } = became;
  if (became.outcome === 'stored') appended.stored += 1;
  else {
    appended.duplicates += 1;
    appended.duplicateWamids.push(message.wamid);
  }
  for (const survivor of merged) {
    appended.merged.push(refTo(survivor));
    appended.wakes.push({ ref: refTo(survivor), dueAtMs: nowMs });
  }
  if (conversationId === undefined) return;
  if (tookOver) appended.tookOver.push(refTo(conversationId));
  appended.cancelled.push(...cancelled);
  if (dueInMs !== null) appended.wakes.push({ ref: refTo(conversationId), dueAtMs: nowMs + dueInMs });
}

/**
 * Accepting or refusing one send: Meta's rules first (throughput, pair limit, service window), then the faults that bite
 * after acceptance. A send that was accepted is in `accepted` whatever its sender gets to hear; its statuses follow.
 */
import type { Contact } from './contacts.ts';
import type { HistoryMessage } from './conversations.ts';
import { SERVICE_WINDOW_MS } from './conversations.ts';
import { graphErrorAnswer, type HttpAnswer, jsonAnswer } from './graph-errors.ts';
import type { AcceptedSend, MetaState } from './meta-state.ts';
import type { ReadBody, Refusal, SendBody } from './send-bodies.ts';
import type { PhoneNumber } from './settings.ts';
import { scheduleStatuses } from './statuses.ts';

export const TYPING_MS = 25_000;

/** How the sender gets its answer. */
export type SendOutcome =
  | { readonly kind: 'response'; readonly response: HttpAnswer }
  /** Accept, then destroy the socket without a byte. */
  | { readonly kind: 'lost' }
  /** Headers and half of the body, a stall, then the socket is destroyed. */
  | { readonly kind: 'lostAfterHeaders'; readonly response: HttpAnswer; readonly stallMs: number }
  /** Nothing, ever; the socket stays open until the client gives up. */
  | { readonly kind: 'hang' }
  /** The answer comes out of `due()` later, under this id. */
  | { readonly kind: 'held'; readonly answerId: string };

interface Recipient {
  readonly contact: Contact | null;
  readonly key: string;
}

function recipientOf(state: MetaState, body: SendBody, nowMs: number): Recipient {
  const { contacts, settings, log } = state;
  let contact = (body.phone ? contacts.byPhone(body.phone) : contacts.byUserId(body.userId ?? '')) ?? null;
  if (!contact && settings.rules.unknownRecipient === 'create') {
    contact = contacts.create(body.phone ? { phone: body.phone } : { userId: body.userId });
    log.add('contactCreated', nowMs, { contactId: contact.id, name: contact.name });
  }
  if (contact) return { contact, key: contact.id };
  return { contact: null, key: body.phone ? `phone:${body.phone}` : `user:${body.userId}` };
}

function isWindowOpen(
  state: MetaState,
  number: PhoneNumber,
  contact: Contact | null,
  nowMs: number,
): boolean {
  const conversation = contact ? state.conversations.find(number.id, contact.id) : undefined;
  const lastInboundAtMs = conversation?.lastInboundAtMs ?? null;
  return lastInboundAtMs !== null && nowMs - lastInboundAtMs < SERVICE_WINDOW_MS;
}

/** The code of the rule that refuses this send at once, or null. */
function ruleAgainst(state: MetaState, number: PhoneNumber, pair: string, nowMs: number): number | null {
  const { rules } = state.settings;
  if (rules.throughput && !number.window.hasRoom(nowMs)) return 130429;
  if (rules.pairLimit && !state.pairLimit.hasRoom(pair, nowMs)) return 131056;
  return null;
}

export function refuse(
  state: MetaState,
  number: PhoneNumber,
  refusal: Refusal,
  body: SendBody | null,
  nowMs: number,
): SendOutcome {
  const { code, httpStatus, details, message, subcode } = refusal;
  const response = graphErrorAnswer(code, {
    traceId: state.ids.traceId(),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(details === '' ? {} : { details }),
    ...(message === undefined ? {} : { message }),
    ...(subcode === undefined ? {} : { subcode }),
  });
  state.log.count(`refused.${code}`);
  state.log.add('sendRefused', nowMs, {
    phoneNumberId: number.id,
    to: body?.input ?? null,
    text: body?.text ?? null,
    opaque: body?.opaque ?? null,
    code,
    httpStatus: response.status,
    reason: details,
  });
  return { kind: 'response', response };
}

function acceptedAnswer(body: SendBody, wamid: string, contact: Contact | null): HttpAnswer {
  const address = body.phone ? { wa_id: contact?.phone ?? body.phone } : { user_id: body.userId };
  return jsonAnswer(200, {
    messaging_product: 'whatsapp',
    contacts: [{ input: body.input, ...address }],
    messages: [{ id: wamid, ...(body.type === 'template' ? { message_status: 'accepted' } : {}) }],
  });
}

function failCodeOf(
  state: MetaState,
  number: PhoneNumber,
  recipient: Recipient,
  isClosed: boolean,
): number | null {
  const { failAfterAccept } = state.faults.settings;
  if (!recipient.contact) return 131026;
  if (isClosed) return 131047;
  if (recipient.contact.failCode !== null) return recipient.contact.failCode;
  return state.faults.fires(failAfterAccept, number.id) ? failAfterAccept.code : null;
}

function remember(
  state: MetaState,
  number: PhoneNumber,
  recipient: Recipient,
  body: SendBody,
  wamid: string,
  nowMs: number,
): { accepted: AcceptedSend; history: HistoryMessage | null; isFreeEntry: boolean } {
  const { type, text, opaque, replyTo } = body;
  const accepted: AcceptedSend = {
    index: state.accepted.length,
    phoneNumberId: number.id,
    contactKey: recipient.key,
    to: body.input,
    type,
    text,
    opaque,
    replyTo,
    wamid,
    atMs: nowMs,
    answerLost: null,
  };
  state.accepted.push(accepted);
  state.log.add('sendAccepted', nowMs, {
    phoneNumberId: number.id,
    contactId: recipient.contact?.id ?? null,
    wamid,
    to: body.input,
    type,
    text,
    body: body.content,
    opaque,
    replyTo,
  });
  if (!recipient.contact) return { accepted, history: null, isFreeEntry: false };
  const conversation = state.conversations.open(number.id, recipient.contact.id);
  const history: HistoryMessage = {
    wamid,
    direction: 'out',
    atMs: nowMs,
    type,
    text,
    body: body.content,
    replyTo,
    opaque,
    status: 'accepted',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
  };
  conversation.typingUntilMs = 0;
  state.conversations.add(conversation, history);
  return { accepted, history, isFreeEntry: nowMs < conversation.freeEntryUntilMs };
}

type AnswerFault = 'error' | 'none' | 'socket' | 'headers' | 'hang' | 'held';

function drawAnswerFault(state: MetaState, number: PhoneNumber, errorAfter: HttpAnswer | null): AnswerFault {
  const { faults } = state;
  if (errorAfter) return 'error';
  if (faults.fires(faults.settings.loseAnswer, number.id)) return 'socket';
  if (faults.fires(faults.settings.loseAnswerAfterHeaders, number.id)) return 'headers';
  if (faults.fires(faults.settings.hangAnswer, number.id)) return 'hang';
  return faults.fires(faults.settings.statusBeforeAnswer, number.id) ? 'held' : 'none';
}

export interface SendRequest {
  readonly number: PhoneNumber;
  readonly body: SendBody;
  /** An error answer that is given although the send is accepted. */
  readonly errorAfter: HttpAnswer | null;
  readonly nowMs: number;
}

export function handleSend(state: MetaState, request: SendRequest): SendOutcome {
  const { number, body, nowMs } = request;
  const recipient = recipientOf(state, body, nowMs);
  const pair = `${number.id}|${recipient.key}`;
  const { serviceWindow } = state.settings.rules;
  const needsWindow = body.type !== 'template' && serviceWindow !== 'off' && recipient.contact !== null;
  const isClosed = needsWindow && !isWindowOpen(state, number, recipient.contact, nowMs);
  const closedCode = isClosed && serviceWindow === 'sync' ? 131047 : null;
  const ruleCode = ruleAgainst(state, number, pair, nowMs) ?? closedCode;
  if (ruleCode !== null) return refuse(state, number, { code: ruleCode, details: '' }, body, nowMs);
  number.window.take(nowMs);
  state.pairLimit.take(pair, nowMs);
  return accept(state, request, recipient, isClosed);
}

function accept(
  state: MetaState,
  request: SendRequest,
  recipient: Recipient,
  isClosed: boolean,
): SendOutcome {
  const { number, body, errorAfter, nowMs } = request;
  const { contact } = recipient;
  const wamid = state.ids.wamid('out', contact?.phone ?? body.phone ?? body.userId ?? '');
  const { accepted, history, isFreeEntry } = remember(state, number, recipient, body, wamid, nowMs);
  const response = acceptedAnswer(body, wamid, contact);
  const fault = drawAnswerFault(state, number, errorAfter);
  const hold = fault === 'held' ? state.held.hold() : null;
  const release = (releasedAtMs: number): void => hold?.letGo(response, releasedAtMs);
  const failCode = failCodeOf(state, number, recipient, isClosed);
  const onSentSettled = hold && failCode === null ? release : null;
  const send = { number, contact, body, wamid, history, isFreeEntry, failCode, onSentSettled };
  scheduleStatuses(state, send, nowMs);
  if (hold) {
    state.log.add('answerHeld', nowMs, { phoneNumberId: number.id, wamid, opaque: body.opaque });
    state.agenda.at(nowMs + state.faults.settings.statusBeforeAnswer.waitMaxMs, release);
    return { kind: 'held', answerId: hold.answerId };
  }
  if (fault === 'none') return { kind: 'response', response };
  accepted.answerLost = fault;
  state.log.add('answerLost', nowMs, { phoneNumberId: number.id, wamid, opaque: body.opaque, how: fault });
  if (fault === 'socket') return { kind: 'lost' };
  if (fault === 'hang') return { kind: 'hang' };
  if (fault === 'error' && errorAfter) return { kind: 'response', response: errorAfter };
  return {
    kind: 'lostAfterHeaders',
    response,
    stallMs: state.faults.settings.loseAnswerAfterHeaders.stallMs,
  };
}

/** Marks a contact's message, and all before it, as read; optionally shows "typing" for up to 25 s. */
export function handleRead(
  state: MetaState,
  number: PhoneNumber,
  body: ReadBody,
  nowMs: number,
): SendOutcome {
  const { rules } = state.settings;
  if (rules.throughput && rules.countReads) {
    if (!number.window.hasRoom(nowMs))
      return refuse(state, number, { code: 130429, details: '' }, null, nowMs);
    number.window.take(nowMs);
  }
  const found = state.conversations.lookUp(body.wamid);
  if (!found || found.conversation.phoneNumberId !== number.id || found.message.direction !== 'in') {
    const details = 'message_id does not belong to a message this number received.';
    return refuse(state, number, { code: 131009, details }, null, nowMs);
  }
  const { conversation } = found;
  for (let at = conversation.messages.length - 1; at >= 0; at -= 1) {
    const message = conversation.messages[at]!;
    if (message.direction !== 'in' || message.atMs > found.message.atMs) continue;
    if (message.readAtMs !== null) break;
    message.readAtMs = nowMs;
  }
  const place = { phoneNumberId: number.id, contactId: conversation.contactId };
  state.log.add('readReceipt', nowMs, { ...place, wamid: body.wamid });
  if (body.typing) {
    conversation.typingUntilMs = nowMs + TYPING_MS;
    state.log.add('typing', nowMs, { ...place, untilMs: conversation.typingUntilMs });
  }
  return { kind: 'response', response: jsonAnswer(200, { success: true }) };
}

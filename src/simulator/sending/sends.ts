/**
 * Accepting or refusing one send: Meta's rules first (throughput, pair limit, service window), then the faults that bite
 * after acceptance. A send that was accepted is in `accepted` whatever its sender gets to hear; its statuses follow.
 */
import type { Contact } from '../contacts.ts';
import type { HistoryMessage } from '../conversations.ts';
import { SERVICE_WINDOW_MS } from '../conversations.ts';
import { drawMs } from '../draw.ts';
import { graphErrorAnswer, type HttpAnswer, jsonAnswer } from '../graph/graph-errors.ts';
import type { AcceptedSend, MetaState } from '../meta-state.ts';
import { messagingTierOf, type PhoneNumber } from '../settings.ts';
import { type FilledTemplate, prepareTemplate } from '../templates/sendable.ts';
import type { Template } from '../templates/template.ts';
import { type Failure, failLater, refuseAtOnce } from './against-state.ts';
import type { ReadBody, SendBody } from './body.ts';
import type { Refusal } from './checks.ts';
import { type AcceptedForStatus, scheduleStatuses } from './statuses.ts';

export const TYPING_MS = 25_000;
const READ_AGE_MAX_MS = 30 * 24 * 3_600_000;

/** How the sender gets its answer. */
export type SendOutcome =
  /** With `stallMs`: half of the body, a stall, then the rest. */
  | { readonly kind: 'response'; readonly response: HttpAnswer; readonly stallMs?: number }
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

/** What is against writing to somebody now, whatever the pace. */
interface Bar extends Failure {
  /** It is refused; otherwise accepted, to fail. */
  readonly isAtOnce: boolean;
}

/** The closed window for what is free-form; the portfolio's messaging limit for a template to somebody new. */
function barAgainst(
  state: MetaState,
  number: PhoneNumber,
  recipient: Recipient,
  body: SendBody,
  nowMs: number,
): Bar | null {
  const { serviceWindow, messagingLimit } = state.settings.rules;
  const { contact, key } = recipient;
  if (body.type !== 'template') {
    const isFree = serviceWindow === 'off' || contact === null || isWindowOpen(state, number, contact, nowMs);
    return isFree ? null : { code: 131047, details: null, isAtOnce: serviceWindow === 'sync' };
  }
  if (messagingLimit === 'off' || isWindowOpen(state, number, contact, nowMs)) return null;
  const { portfolioId, tier } = messagingTierOf(state.settings, number.wabaId);
  if (state.messagingLimits.hasRoom(portfolioId, key, tier, nowMs)) {
    state.messagingLimits.take(portfolioId, key, nowMs);
    return null;
  }
  const details = `The messaging limit of the business portfolio (${tier}) is reached.`;
  return { code: 131048, details, isAtOnce: messagingLimit === 'sync' };
}

/** The keys of the contact's phone are not those that the business has confirmed. */
const isOtherPerson = (contact: Contact | null, { identityHash }: SendBody): boolean =>
  identityHash !== null && (contact?.identityHash ?? identityHash) !== identityHash;

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

function acceptedAnswer(body: SendBody, wamid: string, { contact, filled }: Fit): HttpAnswer {
  const messageStatus = filled?.template.isPaced ? 'held_for_quality_assessment' : 'accepted';
  const address = body.phone ? { wa_id: contact?.phone ?? body.phone } : { user_id: body.userId };
  return jsonAnswer(200, {
    messaging_product: 'whatsapp',
    contacts: [{ input: body.input, ...address }],
    messages: [{ id: wamid, ...(filled ? { message_status: messageStatus } : {}) }],
  });
}

function failureOf(state: MetaState, request: SendRequest, { contact, bar }: Fit): Failure | null {
  const { number, body, nowMs } = request;
  const { failAfterAccept } = state.faults.settings;
  const failed = (code: number): Failure => ({ code, details: null });
  if (!contact) return failed(131026);
  if (bar) return { code: bar.code, details: bar.details };
  const late = failLater(state, number, body, contact, nowMs);
  if (late) return late;
  if (contact.failCode !== null) return failed(contact.failCode);
  return state.faults.fires(failAfterAccept, number.id) ? failed(failAfterAccept.code) : null;
}

function remember(
  state: MetaState,
  number: PhoneNumber,
  recipient: Fit,
  body: SendBody,
  wamid: string,
  nowMs: number,
): { accepted: AcceptedSend; history: HistoryMessage | null; isFreeEntry: boolean } {
  const { type, opaque, replyTo } = body;
  const text = recipient.filled?.text ?? body.text;
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
    forwarded: false,
    referral: null,
    status: 'accepted',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
  };
  conversation.typingUntilMs = 0;
  if (type !== 'template') conversation.isWithAgent = false;
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
  const refusal = refuseAtOnce(state, number, body, nowMs);
  if (refusal) return refuse(state, number, refusal, body, nowMs);
  const filled = body.type === 'template' ? prepareTemplate(state, number.wabaId, body) : null;
  if (filled && 'refusal' in filled) return refuse(state, number, filled.refusal, body, nowMs);
  const recipient = recipientOf(state, body, nowMs);
  const pair = `${number.id}|${recipient.key}`;
  const isOther = isOtherPerson(recipient.contact, body);
  const ruleCode = isOther ? 137000 : ruleAgainst(state, number, pair, nowMs);
  if (ruleCode !== null) return refuse(state, number, { code: ruleCode, details: '' }, body, nowMs);
  const bar = barAgainst(state, number, recipient, body, nowMs);
  if (bar?.isAtOnce)
    return refuse(state, number, { code: bar.code, details: bar.details ?? '' }, body, nowMs);
  number.window.take(nowMs);
  state.pairLimit.take(pair, nowMs);
  return accept(state, request, { ...recipient, bar, filled });
}

/** A send that no rule is against. */
interface Fit extends Recipient {
  /** What makes it fail after it was accepted. */
  readonly bar: Bar | null;
  readonly filled: FilledTemplate | null;
}

/** A paced template's send waits until Meta knows what people think of the first ones. */
function holdStatuses(state: MetaState, send: AcceptedForStatus, template: Template, nowMs: number): void {
  const heldUntilMs = nowMs + drawMs(state.random, state.settings.timings.templatePacingMs);
  state.agenda.at(heldUntilMs, (atMs) => {
    const isDropped = template.status === 'PAUSED' || template.status === 'DISABLED';
    const failure = isDropped ? { code: 132015, details: null } : send.failure;
    scheduleStatuses(state, { ...send, failure }, atMs);
  });
}

function accept(state: MetaState, request: SendRequest, fit: Fit): SendOutcome {
  const { number, body, errorAfter, nowMs } = request;
  const { contact, filled } = fit;
  const wamid = state.ids.wamid('out', contact?.phone ?? body.phone ?? body.userId ?? '');
  const { accepted, history, isFreeEntry } = remember(state, number, fit, body, wamid, nowMs);
  const response = acceptedAnswer(body, wamid, fit);
  const fault = drawAnswerFault(state, number, errorAfter);
  const hold = fault === 'held' ? state.held.hold() : null;
  const release = (releasedAtMs: number): void => hold?.letGo(response, releasedAtMs);
  const failure = failureOf(state, request, fit);
  const onSentSettled = hold && failure === null ? release : null;
  const category = filled?.template.category.toLowerCase() ?? 'service';
  const send = { number, contact, body, category, wamid, history, isFreeEntry, failure, onSentSettled };
  if (filled?.template.isPaced) holdStatuses(state, send, filled.template, nowMs);
  else scheduleStatuses(state, send, nowMs);
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
  if (nowMs - found.message.atMs > READ_AGE_MAX_MS) {
    const details = 'message_id belongs to a message of more than 30 days ago.';
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

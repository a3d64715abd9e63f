/**
 * What only the state can judge of a well-formed send: at once, whether the number can send and its files are there;
 * afterwards, by a failed status, whether the file or the reacted message is fit. Meta accepts the second kind first.
 */
import type { Contact } from '../contacts.ts';
import { readObject, readString } from '../control/json-reading.ts';
import { wrongFor } from '../media/media-kinds.ts';
import type { MetaState } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import type { SendBody } from './body.ts';
import type { Refusal } from './checks.ts';

const REACTION_AGE_MAX_MS = 30 * 24 * 3_600_000;
const SENDING_STATES: ReadonlySet<string> = new Set(['CONNECTED', 'FLAGGED', 'RESTRICTED']);

/** Why a send came to nothing after it was accepted. */
export interface Failure {
  readonly code: number;
  /** Null: the words of Meta's table. */
  readonly details: string | null;
}

function refuseNumber({ status }: PhoneNumber): Refusal | null {
  if (SENDING_STATES.has(status)) return null;
  return { code: status === 'BANNED' ? 131031 : 133010, details: '' };
}

export function refuseAtOnce(
  state: MetaState,
  number: PhoneNumber,
  body: SendBody,
  nowMs: number,
): Refusal | null {
  const refusal = refuseNumber(number);
  if (refusal) return refusal;
  if (body.phone === number.digits) return { code: 131021, details: '' };
  const { allowedRecipients } = number;
  if (allowedRecipients && body.phone !== null && !allowedRecipients.includes(body.phone)) {
    return { code: 131030, details: '' };
  }
  for (const { path, id } of body.media) {
    const file = state.media.find(id, nowMs);
    if (file && (file.phoneNumberId === null || file.phoneNumberId === number.id)) continue;
    const words = `Param ${path} is not a valid whatsapp business account media attachment ID`;
    return { code: 100, message: `(#100) ${words}`, details: words };
  }
  return null;
}

function failReaction(
  state: MetaState,
  number: PhoneNumber,
  body: SendBody,
  contact: Contact,
  nowMs: number,
): Failure | null {
  const wamid = readString(readObject(body.content)?.message_id) ?? '';
  const found = state.conversations.lookUp(wamid);
  const failure = (details: string): Failure => ({ code: 131009, details });
  if (
    !found ||
    found.conversation.phoneNumberId !== number.id ||
    found.conversation.contactId !== contact.id
  ) {
    return failure('The message to react to is unknown in this chat.');
  }
  if (found.message.type === 'reaction') return failure('A reaction cannot be reacted to.');
  return nowMs - found.message.atMs > REACTION_AGE_MAX_MS
    ? failure('The message to react to is older than 30 days.')
    : null;
}

function failMedia(state: MetaState, body: SendBody, nowMs: number): Failure | null {
  for (const { kind, id } of body.media) {
    const file = state.media.find(id, nowMs);
    const isSpoken = body.type === 'audio' && readObject(body.content)?.voice === true;
    const details = file ? wrongFor(kind, file) : null;
    if (details) return { code: 131053, details };
    if (file && isSpoken && !file.mimeType.startsWith('audio/ogg')) {
      return { code: 131053, details: 'A voice message must be an ogg file with opus.' };
    }
  }
  return null;
}

/** What will fail of a send that nothing refused. */
export function failLater(
  state: MetaState,
  number: PhoneNumber,
  body: SendBody,
  contact: Contact,
  nowMs: number,
): Failure | null {
  if (body.type === 'reaction') return failReaction(state, number, body, contact, nowMs);
  return body.media.length === 0 ? null : failMedia(state, body, nowMs);
}

/**
 * One element of `messages` or `message_echoes` becomes one inbound message, or, where it cannot be placed in a
 * conversation (no id, no address of a customer, no phone number id), one problem that the caller quarantines.
 * Copies (`echo`, `standby`) are parsed like messages, keep their inner kind and are filed under the customer.
 */
import { addresseeOf, hasAddress, writerOf } from './addresses.ts';
import { happenedAtMsOf, idOf, jsonTextOf, objectOf } from './lenient.ts';
import { contentOf } from './message-content.ts';
import { type Place, problem, type Reading } from './place.ts';

/** How a message came: from the customer to us, or as a copy of what was said past us. */
export type Way = 'message' | 'echo' | 'standby' | 'standbyEcho';

export function readMessage(element: unknown, way: Way, place: Place): Reading {
  const outer = objectOf(element);
  if (outer === undefined) return problem('a message that is no object');
  const echoed = way === 'echo' || way === 'standbyEcho';
  const message = (echoed ? objectOf(outer.message) : undefined) ?? outer;
  const wamid = idOf(outer.id) ?? idOf(message.id);
  if (wamid === undefined) return problem('a message without a usable id');
  if (place.phoneNumberId === undefined) return problem('a message without a phone number id');
  const sender = echoed ? addresseeOf(message, place.contacts) : writerOf(message, place.contacts);
  if (!hasAddress(sender)) return problem('a message without an address of its customer');
  const { kind, content } = contentOf(message);
  if (way !== 'message') content.innerKind = kind;
  if (echoed) content.fromBusiness = true;
  return {
    type: 'message',
    wabaId: place.wabaId,
    phoneNumberId: place.phoneNumberId,
    kind: way === 'message' ? kind : way === 'echo' ? 'echo' : 'standby',
    wamid,
    sender,
    sentAtMs: happenedAtMsOf(outer.timestamp ?? message.timestamp, place.receivedAtMs),
    content,
    raw: jsonTextOf(element),
  };
}

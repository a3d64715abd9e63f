/**
 * One element of `statuses` becomes the delivery status of a message of ours. Statuses of calls (upper case,
 * `type: "call"`, ids `wacid...`) and words that Meta adds later become notices: they are stored and settle nothing.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status.
 */
import type { DeliveryStatus, InboundStatus } from '#core/model/events.ts';
import { recipientOf } from './addresses.ts';
import {
  flagOf,
  happenedAtMsOf,
  idOf,
  instantMsOf,
  type JsonObject,
  jsonTextOf,
  objectOf,
  put,
  textOf,
  wordOf,
} from './lenient.ts';
import { providerErrorsOf } from './message-content.ts';
import { noticeOf } from './parse-notice.ts';
import { type Place, problem, type Reading } from './place.ts';

const deliveryStatuses: ReadonlyMap<string, DeliveryStatus> = new Map(
  (['sent', 'delivered', 'read', 'played', 'failed'] as const).map((status) => [status, status]),
);

export function readStatus(element: unknown, place: Place): Reading {
  const status = objectOf(element);
  if (status === undefined) return problem('a status that is no object');
  const wamid = idOf(status.id);
  if (wamid === undefined) return problem('a status without a usable id');
  const word = wordOf(status.status);
  if (status.type === 'call' || wamid.startsWith('wacid.')) {
    return noticeOf({ field: 'call_status', event: word, element, place });
  }
  const known = word === undefined ? undefined : deliveryStatuses.get(word.toLowerCase());
  if (known === undefined) return noticeOf({ field: 'unknown_status', event: word, element, place });
  if (place.phoneNumberId === undefined) return problem('a status without a phone number id');
  const item: InboundStatus = {
    type: 'status',
    wabaId: place.wabaId,
    phoneNumberId: place.phoneNumberId,
    wamid,
    status: known,
    atMs: happenedAtMsOf(status.timestamp, place.receivedAtMs),
    recipient: recipientOf(status, place.contacts),
    raw: jsonTextOf(element),
  };
  put(item, 'opaque', textOf(status.biz_opaque_callback_data));
  if (status.recipient_type === 'group') put(item, 'groupId', idOf(status.recipient_id));
  if (status.errors !== undefined) put(item, 'errors', providerErrorsOf(status.errors));
  put(item, 'pricing', pricingOf(objectOf(status.pricing)));
  put(item, 'conversation', conversationOf(objectOf(status.conversation)));
  return item;
}

function pricingOf(element: JsonObject | undefined): InboundStatus['pricing'] {
  if (element === undefined) return undefined;
  const pricing: NonNullable<InboundStatus['pricing']> = {};
  put(pricing, 'type', wordOf(element.type));
  put(pricing, 'category', wordOf(element.category));
  put(pricing, 'billable', flagOf(element.billable));
  put(pricing, 'model', wordOf(element.pricing_model));
  return pricing;
}

function conversationOf(element: JsonObject | undefined): InboundStatus['conversation'] {
  if (element === undefined) return undefined;
  const conversation: NonNullable<InboundStatus['conversation']> = {};
  put(conversation, 'id', wordOf(element.id));
  put(conversation, 'origin', wordOf(objectOf(element.origin)?.type));
  put(conversation, 'expiresAtMs', instantMsOf(element.expiration_timestamp));
  return conversation;
}

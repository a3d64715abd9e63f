/**
 * Everything that is neither a message nor a delivery status: fields about a waba or a number, errors of a whole
 * value, preferences, calls, hand-overs, and every field Meta has not invented yet. A notice is stored, counted and
 * shown; `alert` asks an operator to look.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference.
 * To judge a new field, add its row to `calmWords` or `alwaysAlert`.
 */
import type { InboundNotice, Sender } from '#core/model/events.ts';
import { noticeDedupeKey } from './dedupe-key.ts';
import {
  happenedAtMsOf,
  idOf,
  type JsonObject,
  jsonTextOf,
  listOf,
  objectOf,
  phoneOf,
  put,
  wordOf,
} from './lenient.ts';
import type { Place } from './place.ts';

/** Words of a field that are good or ordinary news; every other word, also one we do not know, asks for a look. */
const calmWords: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'account_update',
    new Set([
      'VERIFIED_ACCOUNT',
      'PARTNER_ADDED',
      'PARTNER_APP_INSTALLED',
      'BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE',
      'AUTH_INTL_PRICE_ELIGIBILITY_UPDATE',
      'VOLUME_BASED_PRICING_TIER_UPDATE',
      'MM_LITE_TERMS_SIGNED',
      'ACCOUNT_RECONNECTED',
    ]),
  ],
  ['account_alerts', new Set(['INFORMATIONAL', 'INFO', 'NONE'])],
  ['account_review_update', new Set(['APPROVED', 'PENDING', 'DEFERRED'])],
  ['phone_number_name_update', new Set(['APPROVED', 'PENDING', 'DEFERRED'])],
  ['phone_number_quality_update', new Set(['ONBOARDING', 'UPGRADE', 'UNFLAGGED', 'THROUGHPUT_UPGRADE'])],
  [
    'message_template_status_update',
    new Set([
      'APPROVED',
      'PENDING',
      'PENDING_DELETION',
      'DELETED',
      'IN_APPEAL',
      'REINSTATED',
      'ARCHIVED',
      'UNARCHIVED',
    ]),
  ],
  ['message_template_quality_update', new Set(['GREEN', 'UNKNOWN'])],
  ['business_username_update', new Set(['APPROVED', 'RESERVED'])],
]);

/** Fields where anything at all asks for a look; the category of a template is its price. */
const alwaysAlert: ReadonlySet<string> = new Set([
  'value_errors',
  'messaging_handovers',
  'security',
  'template_category_update',
]);

/** Names of fields are words; anything else is `unknown`, so that counters and screens stay readable. */
const fieldName = /^[a-z][a-z0-9_]{0,63}$/;

export interface NoticeParts {
  field: string;
  element: unknown;
  place: Place;
  event?: string | undefined;
  sender?: Sender | undefined;
}

/** One notice about `element`, which is a whole value or the part of one. */
export function noticeOf(parts: NoticeParts): InboundNotice {
  const { element, place } = parts;
  const value = objectOf(element);
  const field = fieldOf(parts.field, value);
  const event = parts.event ?? eventOf(field, value);
  const raw = jsonTextOf(element);
  const ownTime = value?.timestamp ?? value?.category_update_timestamp;
  const notice: InboundNotice = {
    type: 'notice',
    wabaId: place.wabaId,
    field,
    atMs: happenedAtMsOf(ownTime ?? place.entryTime, place.receivedAtMs),
    alert: alertOf(field, event, value),
    dedupeKey: noticeDedupeKey({
      field,
      raw,
      time: wordOf(place.entryTime) ?? wordOf(ownTime),
      receivedAtMs: place.receivedAtMs,
    }),
    raw,
  };
  put(notice, 'phoneNumberId', place.phoneNumberId ?? numberIdIn(value));
  put(notice, 'event', event);
  put(notice, 'sender', parts.sender ?? handedOverOf(field, value));
  return notice;
}

/** Meta's own example prints a template's quality under the field of its status; the shape decides. */
function fieldOf(field: string, value: JsonObject | undefined): string {
  if (field === 'message_template_status_update' && value?.new_quality_score !== undefined) {
    return 'message_template_quality_update';
  }
  return fieldName.test(field) ? field : 'unknown';
}

function eventOf(field: string, value: JsonObject | undefined): string | undefined {
  if (value === undefined) return undefined;
  switch (field) {
    case 'account_alerts':
      return wordOf(objectOf(value.alert_info)?.alert_type);
    case 'message_template_quality_update':
      return wordOf(value.new_quality_score);
    case 'template_category_update':
      return wordOf(value.new_category);
    case 'user_preferences':
      return wordOf(value.value);
    default:
      return wordOf(value.event) ?? wordOf(value.decision) ?? wordOf(value.status) ?? wordOf(value.type);
  }
}

function alertOf(field: string, event: string | undefined, value: JsonObject | undefined): boolean {
  if (alwaysAlert.has(field)) return true;
  const calm = calmWords.get(field);
  if (calm === undefined) return carriesMessages(field, value);
  const alerts = objectOf(value?.alert_info);
  const word = field === 'account_alerts' ? wordOf(alerts?.alert_severity) : event;
  return word === undefined || !calm.has(word.toUpperCase());
}

/** A field we do not know that brings messages: a customer may be waiting behind it. Those of `history` are past. */
function carriesMessages(field: string, value: JsonObject | undefined): boolean {
  return field !== 'history' && value !== undefined && listOf(value.messages).length > 0;
}

/** Most fields about one number name it in `metadata`; some in the value, a hand-over in its recipient. */
function numberIdIn(value: JsonObject | undefined): string | undefined {
  return idOf(value?.phone_number_id) ?? idOf(objectOf(value?.recipient)?.phone_number_id);
}

/** The customer whose conversation changed hands. */
function handedOverOf(field: string, value: JsonObject | undefined): Sender | undefined {
  if (field !== 'messaging_handovers') return undefined;
  const named = objectOf(value?.sender);
  const sender: Sender = {};
  put(sender, 'phone', phoneOf(named?.phone_number) ?? phoneOf(named?.wa_id));
  put(sender, 'bsuid', idOf(named?.user_id));
  put(sender, 'parentBsuid', idOf(named?.parent_user_id));
  return Object.keys(sender).length > 0 ? sender : undefined;
}

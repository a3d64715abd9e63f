/**
 * Webhooks about the business account, a number or a template instead of a message. `change` delivers any field with any value;
 * without a value, the fields below bring what Meta's pages show, about the number and contact that were named.
 * To add a field, add it to `VALUES` (a value of its own) or `LISTS` (a list beside `metadata`).
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview and the page of each field.
 */
import { visiblePhone } from '../contacts.ts';
import { type JsonObject, readNumber, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import { webhookError } from '../graph/graph-errors.ts';
import type { MetaState } from '../meta-state.ts';
import { contactPeer, unixSeconds } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import { escapedJson, fitting, type Update } from './envelope.ts';
import { contactJson, contactOf, numberOf, updateOf } from './inbound-parts.ts';

interface Asked {
  readonly given: JsonObject;
  readonly number: PhoneNumber;
  readonly nowMs: number;
}

const seconds = (nowMs: number): number => Math.floor(nowMs / 1_000);
const eventOf = ({ given }: Asked, normal: string): string => readString(given.event) ?? normal;

const templateOf = ({ given }: Asked): JsonObject => ({
  message_template_id: readNumber(given.templateId) ?? 1689556908129832,
  message_template_name: readString(given.templateName) ?? 'order_confirmation',
  message_template_language: readString(given.language) ?? 'en_US',
});

function accountUpdate(asked: Asked): JsonObject {
  const event = eventOf(asked, 'ACCOUNT_RESTRICTION');
  const restrictionInfo = [
    { restriction_type: 'RESTRICTED_BIZ_INITIATED_MESSAGING', expiration: seconds(asked.nowMs) + 7 * 86_400 },
  ];
  if (event === 'ACCOUNT_RESTRICTION') return { event, restriction_info: restrictionInfo };
  return event === 'ACCOUNT_VIOLATION' ? { event, violation_info: { violation_type: 'ADULT' } } : { event };
}

function templateStatus(asked: Asked): JsonObject {
  const event = eventOf(asked, 'APPROVED');
  const isRejected = event === 'REJECTED';
  const rejection = {
    reason: 'Your template has parameters placed next to each other without text between them.',
    recommendation: 'Separate parameters with descriptive text.',
  };
  return {
    event,
    ...templateOf(asked),
    reason: isRejected ? 'INVALID_FORMAT' : 'NONE',
    message_template_category: 'UTILITY',
    ...(isRejected ? { rejection_info: rejection } : {}),
  };
}

/** A change that is to come; with `done` one that has happened. */
function templateCategory(asked: Asked): JsonObject {
  const categories =
    asked.given.done === true
      ? { previous_category: 'UTILITY', new_category: 'MARKETING' }
      : {
          new_category: 'UTILITY',
          correct_category: 'MARKETING',
          category_update_timestamp: seconds(asked.nowMs) + 86_400,
        };
  return { ...templateOf(asked), ...categories };
}

const VALUES: Readonly<Record<string, (asked: Asked) => JsonObject>> = {
  account_alerts: () => ({
    entity_type: 'BUSINESS',
    entity_id: '506914307656634',
    alert_info: {
      alert_severity: 'WARNING',
      alert_status: 'ACTIVE',
      alert_type: 'INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED',
      alert_description: 'Limits cannot be increased for now.',
    },
  }),
  account_review_update: () => ({ decision: 'APPROVED' }),
  account_update: accountUpdate,
  business_capability_update: () => ({
    max_daily_conversations_per_business: 2000,
    max_phone_numbers_per_waba: 25,
  }),
  business_username_update: ({ number }) => ({
    display_phone_number: number.digits,
    username: 'jaspersmarket',
    status: 'approved',
  }),
  message_template_quality_update: (asked) => ({
    previous_quality_score: 'GREEN',
    new_quality_score: 'YELLOW',
    ...templateOf(asked),
  }),
  message_template_status_update: templateStatus,
  phone_number_name_update: ({ number }) => ({
    display_phone_number: number.digits,
    decision: 'APPROVED',
    requested_verified_name: number.verifiedName,
    rejection_reason: null,
  }),
  phone_number_quality_update: (asked) => ({
    display_phone_number: asked.number.digits,
    event: eventOf(asked, 'THROUGHPUT_UPGRADE'),
    current_limit: 'TIER_UNLIMITED',
  }),
  security: (asked) => ({
    display_phone_number: asked.number.digits,
    event: eventOf(asked, 'PIN_RESET_REQUEST'),
    requester: '61555822107539',
  }),
  template_category_update: templateCategory,
};

interface Listed {
  readonly list: NonNullable<Update['list']>;
  readonly item: JsonObject;
  /** Whether the value's `contacts` name the contact. */
  readonly hasContact: boolean;
}

function preference(state: MetaState, { given, nowMs }: Asked): Listed {
  const contact = contactOf(state, given.contact, nowMs);
  const phone = visiblePhone(contact);
  const value = readString(given.choice) ?? 'stop';
  const item = {
    ...(phone ? { wa_id: phone } : {}),
    ...(contact.userId ? { user_id: contact.userId } : {}),
    detail: `User requested to ${value} marketing messages`,
    category: 'marketing_messages',
    value,
    timestamp: seconds(nowMs),
  };
  return { list: 'user_preferences', item, hasContact: true };
}

function call(state: MetaState, { given, number, nowMs }: Asked): Listed {
  const contact = contactOf(state, given.contact, nowMs);
  const phone = visiblePhone(contact);
  const event = readString(given.event) ?? 'connect';
  const item = {
    id: state.ids.wamid('in', contactPeer(contact)).replace('wamid', 'wacid'),
    ...(phone ? { from: phone } : {}),
    ...(contact.userId ? { from_user_id: contact.userId } : {}),
    to: number.digits,
    event,
    timestamp: unixSeconds(nowMs),
    direction: 'USER_INITIATED',
    ...(event === 'connect' ? { session: { sdp: 'v=0', sdp_type: 'offer' } } : { status: 'COMPLETED' }),
  };
  // A call opens the service window, as a message does.
  const conversation = state.conversations.open(number.id, contact.id);
  conversation.lastInboundAtMs = Math.max(conversation.lastInboundAtMs ?? 0, nowMs);
  return { list: 'calls', item, hasContact: true };
}

function bookEntry(state: MetaState, { given, nowMs }: Asked): Listed {
  const contact = contactOf(state, given.contact, nowMs);
  const action = readString(given.action) ?? 'add';
  const names = { full_name: contact.name, first_name: contact.name.split(' ')[0] };
  const item = {
    type: 'contact',
    contact: { ...(action === 'remove' ? {} : names), phone_number: contact.phone },
    action,
    metadata: { timestamp: unixSeconds(nowMs) },
  };
  return { list: 'state_sync', item, hasContact: false };
}

/** An error of the number itself: it stands in the value, not in a message. */
function problem(_state: MetaState, { given }: Asked): Listed {
  const item = readObject(webhookError(readNumber(given.code) ?? 130429)) ?? {};
  return { list: 'errors', item, hasContact: false };
}

const LISTS: Readonly<Record<string, (state: MetaState, asked: Asked) => Listed>> = {
  calls: call,
  messages: problem,
  smb_app_state_sync: bookEntry,
  user_preferences: preference,
};

export const NOTICE_FIELDS: readonly string[] = [...Object.keys(VALUES), ...Object.keys(LISTS)].sort();

/** A value as it is. Only account-level fields, which have no `metadata`, tell when they came to be. */
function tellValue(
  state: MetaState,
  field: string,
  value: JsonObject,
  given: JsonObject,
  nowMs: number,
): void {
  const phoneNumberId = readString(given.phoneNumberId) ?? null;
  const wabaId = readString(given.wabaId) ?? numberOf(state, phoneNumberId).wabaId;
  const isAccountLevel = value.metadata === undefined && field !== 'messaging_handovers';
  state.deliveries.enqueue(
    {
      wabaId,
      phoneNumberId,
      field,
      subject: { wamid: null, status: null },
      metadata: null,
      list: null,
      item: fitting(escapedJson(value)),
      contact: null,
      ...(isAccountLevel ? { entryAtMs: nowMs } : {}),
    },
    nowMs,
  );
}

/** `{ field, value }`, or `{ field, phoneNumberId, ... }` for one of `NOTICE_FIELDS`. */
export function change(state: MetaState, request: unknown, nowMs: number): void {
  const given = readObject(request) ?? {};
  const field = readString(given.field);
  const value = readObject(given.value);
  if (field && value) {
    tellValue(state, field, value, given, nowMs);
    return;
  }
  if (!field || given.value !== undefined || !NOTICE_FIELDS.includes(field)) {
    throw new ControlError(
      `A change needs a string "field" and an object "value". Without a value: ${NOTICE_FIELDS.join(', ')}.`,
    );
  }
  const asked = { given, number: numberOf(state, given.phoneNumberId), nowMs };
  const valued = VALUES[field];
  if (valued) {
    tellValue(state, field, valued(asked), { ...given, wabaId: asked.number.wabaId }, nowMs);
    return;
  }
  const { list, item, hasContact } = LISTS[field]!(state, asked);
  const contact = hasContact ? contactJson(contactOf(state, given.contact, nowMs)) : null;
  state.deliveries.enqueue(updateOf(asked.number, { field, list, item: escapedJson(item), contact }), nowMs);
}

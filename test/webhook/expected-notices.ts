/** What each fixture of a notice must become; the key for duplicates has tests of its own. */
import type { InboundNotice } from '#core/model/events.ts';
import { noor, place, receivedAtMs } from './expected-messages.ts';

export type ExpectedNotice = Omit<InboundNotice, 'raw' | 'dedupeKey'>;

export function notice(field: string, over: Partial<ExpectedNotice> = {}): ExpectedNotice {
  return { type: 'notice', wabaId: place.wabaId, field, atMs: receivedAtMs, alert: false, ...over };
}

const number = { phoneNumberId: place.phoneNumberId };
const entryTime = { atMs: 1_794_000_200_000 };

function timed(field: string, event: string | undefined, alert: boolean): ExpectedNotice[] {
  const found = notice(field, { ...entryTime, alert });
  return [event === undefined ? found : { ...found, event }];
}

export const expectedNotices: Record<string, ExpectedNotice[]> = {
  'field-account-restriction': timed('account_update', 'ACCOUNT_RESTRICTION', true),
  'field-account-violation': timed('account_update', 'ACCOUNT_VIOLATION', true),
  'field-account-verified': timed('account_update', 'VERIFIED_ACCOUNT', false),
  'field-account-of-tomorrow': timed('account_update', 'SOMETHING_NEW', true),
  'field-account-alert': timed('account_alerts', 'LIMIT_DEFERRED', true),
  'field-account-alert-informational': timed('account_alerts', 'OBA_APPROVED', false),
  'field-account-review': timed('account_review_update', 'REJECTED', true),
  'field-account-settings': timed('account_settings_update', 'phone_number_settings', false),
  'field-automatic-event': timed('automatic_events', undefined, false),
  'field-capability': timed('business_capability_update', undefined, false),
  'field-username': timed('business_username_update', 'approved', false),
  'field-template-approved': timed('message_template_status_update', 'APPROVED', false),
  'field-template-paused': timed('message_template_status_update', 'PAUSED', true),
  'field-template-quality': timed('message_template_quality_update', 'GREEN', false),
  'field-template-quality-wrong-field': timed('message_template_quality_update', 'RED', true),
  'field-template-category': [
    notice('template_category_update', { event: 'MARKETING', atMs: 1_794_000_150_000, alert: true }),
  ],
  'field-template-components': timed('message_template_components_update', undefined, false),
  'field-partner': timed('partner_solutions', 'SOLUTION_CREATED', false),
  'field-payment': timed('payment_configuration_update', 'active', false),
  'field-number-name': timed('phone_number_name_update', 'REJECTED', true),
  'field-number-flagged': timed('phone_number_quality_update', 'FLAGGED', true),
  'field-number-upgraded': timed('phone_number_quality_update', 'UPGRADE', false),
  'field-security': timed('security', 'PIN_CHANGED', true),
  'field-group-status': timed('group_status_update', undefined, false),
  'field-of-tomorrow': timed('weather_update', undefined, false),
  'field-of-tomorrow-with-messages': [notice('parallel_messages', { ...entryTime, ...number, alert: true })],
  'field-with-an-odd-name': timed('unknown', undefined, false),
  'field-without-value': timed('account_update', undefined, true),
  'value-errors': [notice('value_errors', { ...number, event: '130429', alert: true })],
  'value-of-tomorrow': [notice('messages', { ...number, event: 'pins' })],
  'value-empty': [notice('messages', number)],
  handover: [
    notice('messaging_handovers', {
      ...number,
      event: 'control_passed',
      alert: true,
      sender: { phone: noor.phone!, bsuid: noor.bsuid! },
    }),
  ],
  'preference-stop': [
    notice('user_preferences', { ...number, event: 'stop', atMs: 1_794_000_080_000, sender: noor }),
    notice('user_preferences', {
      ...number,
      event: 'resume',
      atMs: 1_794_000_090_000,
      sender: { phone: '15550133444' },
    }),
  ],
  'call-connect': [notice('calls', { ...number, event: 'connect', atMs: 1_794_000_095_000, sender: noor })],
  'call-outgoing-terminate': [
    notice('calls', { ...number, event: 'terminate', atMs: 1_794_000_096_000, sender: noor }),
  ],
  'app-state-sync': [notice('smb_app_state_sync', number)],
  history: [notice('history', number)],
  'history-media': [notice('history', number)],
};

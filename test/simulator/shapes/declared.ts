/**
 * What may differ between a recorded webhook and what the simulator makes of it, and what it does not make at all, each
 * with its reason. `test/simulator/shapes.test.ts` fails on anything that is not here. A new reason that is a lack of the
 * simulator belongs into docs/reference/simulator.md, too.
 */
import type { ShapeDifference } from './shape.ts';

interface Declared {
  /** A path that ends so, wherever it is; compared whole if it begins with "value." or "entry.". */
  readonly path: string;
  readonly only: ShapeDifference['only'];
  readonly reason: string;
}

export const DECLARED: readonly Declared[] = [
  { path: 'errors[].href', only: 'produced', reason: 'Meta adds it to some errors only.' },
  { path: 'contacts[].profile', only: 'produced', reason: 'Meta leaves it out of user_preferences.' },
  { path: 'calls[].from_user_id', only: 'produced', reason: 'Only since April 2026.' },
  { path: 'user_preferences[].user_id', only: 'produced', reason: 'Only since April 2026.' },
  {
    path: 'messages[].from_user_id',
    only: 'produced',
    reason: 'Only since April 2026; its contact beside has one.',
  },
  {
    path: 'messages[].from_parent_user_id',
    only: 'produced',
    reason: 'Only since April 2026; its contact beside has one.',
  },
  { path: 'conversation.expiration_timestamp', only: 'produced', reason: 'In "sent" statuses only.' },
  { path: 'value.reason', only: 'produced', reason: 'Meta leaves it out of some events.' },
  { path: 'value.message_template_category', only: 'produced', reason: 'Newer than some recordings.' },
  { path: 'value.message_template_name', only: 'produced', reason: 'Meta leaves it out of some recordings.' },
  {
    path: 'value.message_template_language',
    only: 'produced',
    reason: 'Meta leaves it out of some recordings.',
  },
  {
    path: 'value.category_update_timestamp',
    only: 'recorded',
    reason: 'In some recordings of a change that is done.',
  },
  { path: 'value.entity_id', only: 'produced', reason: 'Alerts differ by their type.' },
  { path: 'alert_info.alert_description', only: 'produced', reason: 'Alerts differ by their type.' },
  { path: 'alert_info.alert_status', only: 'produced', reason: 'Alerts differ by their type.' },
  {
    path: 'statuses[].recipient_identity_key_hash',
    only: 'recorded',
    reason: 'The identity check of a send is not imitated.',
  },
  {
    path: 'calls[].biz_opaque_callback_data',
    only: 'recorded',
    reason: 'Calls of the business are not imitated.',
  },
  { path: 'value.contacts', only: 'recorded', reason: 'System messages and echoes: some were seen with it.' },
];

/** Kinds that the simulator does not make. */
export const NOT_PRODUCED: Readonly<Record<string, string>> = {
  'message interactive': 'An interactive answer of no known kind.',
  'message edit': 'An edit of an edit, which Meta does not send.',
  'message request_welcome': 'Meta stopped sending it in March 2026.',
  'message scent': 'A type of the future: the simulator\'s own is "unknown".',
  'message hologram': 'A type of the future: the simulator\'s own is "unknown".',
  'message system before 2023': 'Names that Meta does not use any more.',
  'status group': 'The Groups API is not imitated.',
  'status call': 'The Calling API is not imitated beyond the webhook of an incoming call.',
  'status warning': 'A status of the future.',
  'status standby': "Statuses of what Meta's agent sent are not imitated.",
  'field under another name': "Meta's own page prints a wrong field name here.",
  'field account_settings_update': 'Not imitated; any value can be given to /_sim/change.',
  'field automatic_events': 'Not imitated; any value can be given to /_sim/change.',
  'field group_status_update': 'The Groups API is not imitated.',
  'field message_template_components_update': 'Told when a template is edited, and not by itself.',
  'field partner_solutions': 'Not imitated; any value can be given to /_sim/change.',
  'field payment_configuration_update': 'Not imitated; any value can be given to /_sim/change.',
};

/** Fixtures that are wrong on purpose, or of another world: what they are is no kind that anybody could produce. */
export const NO_KIND: Readonly<Record<string, string>> = {
  'batch-contacts-in-other-order': 'Contacts that show less than their messages.',
  'batch-two-wabas': 'A status without its contact beside a message with one.',
  'contacts-origin-beside': '"origin" where some libraries expect it.',
  'edit-text': 'A context with a sender inside an edit.',
  'field-of-tomorrow': 'A field of the future.',
  'field-of-tomorrow-with-messages': 'A field of the future.',
  'field-with-an-odd-name': 'A field nobody will have.',
  'field-without-value': 'A change without a value.',
  'location-without-numbers': 'Parts are missing.',
  'media-bare': 'Parts are missing.',
  'media-refused-with-its-type': 'An error of the same meaning under another type.',
  'problem-without-id': 'Parts are missing.',
  'problem-without-number': 'Parts are missing.',
  'problem-without-sender': 'Parts are missing.',
  'status-bsuid-only': 'The parent id of the status is not in the contact beside it.',
  'status-failed-two-errors': 'Two errors with parts missing.',
  'status-old-parent-name': 'A name that Meta used until May 2026.',
  'system-user-id-only-inside': 'Parts are missing.',
  'template-button-without-context': 'Parts are missing.',
  'text-contact-gives-the-address': 'Parts are missing.',
  'text-without-body': 'Parts are missing.',
  'text-without-contacts': 'Parts are missing.',
  'text-without-time': 'Parts are missing.',
  'value-empty': 'A value without anything in it.',
  'value-of-tomorrow': 'Lists of the future.',
};

export function isDeclared({ path, only }: ShapeDifference): boolean {
  return DECLARED.some((each) => {
    const fits = each.path.startsWith('value.') ? path === each.path : path.endsWith(each.path);
    return fits && only === each.only;
  });
}

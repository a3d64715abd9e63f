/**
 * Webhook envelopes. An update (one message, one status, one account-level change) is serialised once, in Meta's escaped
 * form, when it comes to be; an envelope is put together from those pieces as text. So a batch of a thousand updates
 * costs no second serialisation, and its size in bytes is known before it is built.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview.
 */

import { ControlError } from '../control/setting-merge.ts';
import type { WebhookSubject } from '../events-log.ts';
import { stringifyLikeMeta } from '../webhooks/signature.ts';

export const UPDATES_PER_WEBHOOK_MAX = 1_000;
export const WEBHOOK_BYTES_MAX = 3_000_000;

const LISTS = [
  'messages',
  'statuses',
  'errors',
  'message_echoes',
  'history',
  'state_sync',
  'user_preferences',
  'calls',
] as const;
export type UpdateList = (typeof LISTS)[number];

export interface Update {
  readonly wabaId: string;
  /** Null for changes that belong to the whole WABA. */
  readonly phoneNumberId: string | null;
  readonly field: string;
  readonly subject: WebhookSubject;
  /** Escaped JSON of `metadata`, or null where the field has none. */
  readonly metadata: string | null;
  /** The list inside `value` that `item` belongs to; null when `item` is the whole value. */
  readonly list: UpdateList | null;
  readonly item: string;
  /** Escaped JSON of the element of `contacts[]`, if any. */
  readonly contact: string | null;
  /** The time of the entry, which only account-level fields have. */
  readonly entryAtMs?: number;
  /** Called when a webhook that carries it was answered 200 (true; again for a duplicate), or was given up (false). */
  readonly settled?: (ok: boolean, nowMs: number) => void;
}

export const escapedJson = stringifyLikeMeta;

/** What an update takes besides its item and contact: the envelope, the change, the metadata, the commas. */
const FRAME_BYTES_MAX = 400;

const bytesOf = (update: Update): number =>
  update.item.length + (update.contact?.length ?? 0) + FRAME_BYTES_MAX;

/** Returns the item, which must fit a webhook of its own: it cannot be cut. */
export function fitting(item: string): string {
  const bytesMax = WEBHOOK_BYTES_MAX - 10 * FRAME_BYTES_MAX;
  if (item.length <= bytesMax) return item;
  throw new ControlError(
    `This would be a webhook of ${item.length} bytes, but Meta's hold at most ${WEBHOOK_BYTES_MAX}. For a larger one switch on the fault "oversized".`,
  );
}

/** Cuts a run of updates of one WABA so that every piece keeps Meta's limits. */
export function splitBatch(updates: readonly Update[], updatesMax: number): Update[][] {
  const max = Math.max(1, Math.min(updatesMax, UPDATES_PER_WEBHOOK_MAX));
  const pieces: Update[][] = [];
  let piece: Update[] = [];
  let bytes = 0;
  for (const update of updates) {
    const size = bytesOf(update);
    if (piece.length > 0 && (piece.length >= max || bytes + size > WEBHOOK_BYTES_MAX)) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(update);
    bytes += size;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

function changeValue(group: readonly Update[]): string {
  const first = group[0]!;
  if (first.list === null) return first.item;
  const lists: string[] = [];
  const contacts = new Set(group.map((update) => update.contact).filter((contact) => contact !== null));
  if (contacts.size > 0) lists.push(`"contacts":[${[...contacts].join(',')}]`);
  for (const list of LISTS) {
    const items = group.filter((update) => update.list === list).map((update) => update.item);
    if (items.length > 0) lists.push(`"${list}":[${items.join(',')}]`);
  }
  const metadata = first.metadata === null ? '' : `,"metadata":${first.metadata}`;
  const content = first.field === 'standby' ? `"standby":{${lists.join(',')}}` : lists.join(',');
  return `{"messaging_product":"whatsapp"${metadata},${content}}`;
}

function entryOf(updates: readonly Update[], entryAtMs: number | undefined): string {
  const groups = new Map<string, Update[]>();
  for (const [index, update] of updates.entries()) {
    const key = update.list === null ? `alone ${index}` : `${update.field} ${update.phoneNumberId}`;
    const group = groups.get(key);
    if (group) group.push(update);
    else groups.set(key, [update]);
  }
  const changes = [...groups.values()].map(
    (group) => `{"value":${changeValue(group)},"field":${escapedJson(group[0]!.field)}}`,
  );
  const time = entryAtMs === undefined ? '' : `"time":${Math.floor(entryAtMs / 1_000)},`;
  return `{"id":${escapedJson(updates[0]!.wabaId)},${time}"changes":[${changes.join(',')}]}`;
}

/**
 * One entry for the WABA, and one more for each time at which account-level changes came to be; in an entry one change
 * per field and phone number, messages and statuses side by side in its value.
 */
export function buildEnvelope(updates: readonly Update[]): Buffer {
  const entries = [...Map.groupBy(updates, ({ entryAtMs }) => entryAtMs)].map(([entryAtMs, group]) =>
    entryOf(group, entryAtMs),
  );
  return Buffer.from(`{"object":"whatsapp_business_account","entry":[${entries.join(',')}]}`, 'latin1');
}

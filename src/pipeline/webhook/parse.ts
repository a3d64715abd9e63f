/**
 * A webhook body becomes inbound items. The reading is lenient to the end: any JSON is walked, several entries,
 * changes, messages and statuses may share a body, and each element of them becomes exactly one item or one problem,
 * never nothing and never an exception, because what is refused here would come back for seven days and what is
 * dropped here leaves a customer without an answer. Every message pays for this code, so it walks once, knows no
 * schema, and prints only the element it keeps.
 * To take a new field apart, add it to `wayOf` and its lists to `readerOf`; without that it is kept as a notice.
 */

import { isTooDeep } from '#core/json-depth.ts';
import type { InboundItem } from '#core/model/events.ts';
import { contactsOf, namedIn } from './addresses.ts';
import { idOf, type JsonObject, listOf, objectOf, wordOf } from './lenient.ts';
import { providerErrorsOf } from './message-content.ts';
import { readMessage, type Way } from './parse-message.ts';
import { noticeOf } from './parse-notice.ts';
import { readStatus } from './parse-status.ts';
import { Findings, type Place, problem, type Reading, type WebhookProblem } from './place.ts';

export { dedupeKeyOf } from './dedupe-key.ts';
export type { WebhookProblem } from './place.ts';

export interface ParsedWebhook {
  items: InboundItem[];
  /** How many items of each kind: `message.text`, `status.sent`, `notice.account_update`, ... */
  byKind: Record<string, number>;
  /** Elements that could not become items; the caller quarantines them. */
  problems: WebhookProblem[];
  /** False where the body is no JSON object, or one too deep to be Meta's: it is not taken apart but quarantined whole. */
  readable: boolean;
}

type FieldWay = Exclude<Way, 'standbyEcho'>;

/**
 * Fields that are taken apart, and how their messages came. `message_echoes` copies what any owner of the
 * conversation sent, ourselves included, so it must not count as a person who took over, as an echo of the Business
 * app does.
 */
const wayOf: ReadonlyMap<string, FieldWay> = new Map([
  ['messages', 'message'],
  ['calls', 'message'],
  ['user_preferences', 'message'],
  ['smb_message_echoes', 'echo'],
  ['message_echoes', 'standby'],
  ['standby', 'standby'],
]);

/** Parts of a value that describe its lists; they are read where they are needed. */
const described: ReadonlySet<string> = new Set(['messaging_product', 'metadata', 'contacts']);

/** Parses the body of a webhook. `receivedAtMs` stands in where the body gives no time. */
export function parseWebhook(body: string | Uint8Array, receivedAtMs: number): ParsedWebhook {
  const root = rootOf(body);
  const found = new Findings();
  if (root !== undefined) readRoot(root, receivedAtMs, found);
  const { items, byKind, problems } = found;
  return { items, byKind, problems, readable: root !== undefined };
}

function rootOf(body: string | Uint8Array): JsonObject | undefined {
  const text = typeof body === 'string' ? body : bytesAsText(body);
  if (isTooDeep(text)) return undefined;
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function bytesAsText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function readRoot(root: JsonObject, receivedAtMs: number, found: Findings): void {
  const entries = listOf(root.entry);
  if (entries.length === 0) found.keep(problem('a body without entries'), root);
  found.each(entries, (element) => {
    const entry = objectOf(element);
    const changes = listOf(entry?.changes);
    if (changes.length === 0) found.keep(problem('an entry without changes'), element);
    const wabaId = idOf(entry?.id) ?? '';
    found.each(changes, (change) =>
      readChange(change, { wabaId, entryTime: entry?.time, receivedAtMs }, found),
    );
  });
}

function readChange(
  element: unknown,
  entry: Pick<Place, 'wabaId' | 'entryTime' | 'receivedAtMs'>,
  found: Findings,
): void {
  const change = objectOf(element);
  const value = objectOf(change?.value);
  const named = wordOf(change?.field);
  if (change === undefined || (value === undefined && named === undefined)) {
    found.keep(problem('a change without a field and a value'), element);
    return;
  }
  const field = named ?? 'messages';
  const inner = (field === 'standby' ? objectOf(value?.standby) : undefined) ?? value ?? {};
  const place: Place = {
    ...entry,
    phoneNumberId: idOf(objectOf(value?.metadata)?.phone_number_id),
    field,
    contacts: contactsOf(inner),
  };
  const way = wayOf.get(field);
  const before = found.items.length + found.problems.length;
  if (way !== undefined) readLists(inner, way, place, found);
  if (found.items.length + found.problems.length > before) return;
  const whole = value ?? change.value ?? null;
  found.keep(noticeOf({ field, element: whole, place }), whole);
}

/**
 * Takes each list of a value apart. A list that we do not know is something that happened, and becomes a notice;
 * other keys we do not know only describe, and stay in the body that the caller keeps.
 */
function readLists(value: JsonObject, way: FieldWay, place: Place, found: Findings): void {
  for (const key of Object.keys(value)) {
    if (found.isOver) return;
    const list = value[key];
    const read = described.has(key) ? undefined : readerOf(key, way, place);
    if (read !== undefined) {
      found.each(listOf(list), (element) => found.keep(read(element), element));
    } else if (key === 'errors' && listOf(list).length > 0) {
      found.each([list], () => found.keep(valueErrorsOf(list, place), list));
    } else if (!described.has(key) && Array.isArray(list) && list.length > 0) {
      const part = { [key]: list };
      found.each([part], () =>
        found.keep(noticeOf({ field: place.field, event: key, element: part, place }), part),
      );
    }
  }
}

function readerOf(key: string, way: FieldWay, place: Place): ((element: unknown) => Reading) | undefined {
  switch (key) {
    case 'messages':
      return (element) => readMessage(element, way, place);
    case 'message_echoes':
      return (element) => readMessage(element, way === 'standby' ? 'standbyEcho' : 'echo', place);
    case 'statuses':
      return way === 'standby'
        ? (element) => noticeOf({ field: 'standby_status', element, place })
        : (element) => readStatus(element, place);
    case 'calls':
    case 'user_preferences':
      return (element) => personalNoticeOf(key, element, place);
    default:
      return undefined;
  }
}

/** Errors of the whole value, often beside messages: they are about the number, not about one send. */
function valueErrorsOf(list: unknown, place: Place): Reading {
  const code = providerErrorsOf(list)?.[0]?.code;
  return noticeOf({ field: 'value_errors', event: wordOf(code), element: list, place });
}

/** A preference or a call of one customer. */
function personalNoticeOf(field: string, element: unknown, place: Place): Reading {
  const named = objectOf(element);
  const sender = named === undefined ? undefined : namedIn(named, place.contacts);
  return noticeOf({ field, element, place, sender });
}

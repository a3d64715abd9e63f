/**
 * The simulator's control API as the page uses it. The types are the simulator's own, so a change there that the page does
 * not follow fails the type check. A refused request throws `Refused` with the simulator's own words; anything else that
 * throws means that nobody answered, and may be tried again.
 */
import type { Contact, ContactSpec } from '../../../src/simulator/contacts.ts';
import type { HistoryMessage, Tick } from '../../../src/simulator/conversations.ts';
import type { EventKind, SimulatorEvent, WebhookSubject } from '../../../src/simulator/events-log.ts';

export type { Contact, ContactSpec, EventKind, HistoryMessage, SimulatorEvent, Tick, WebhookSubject };

export interface PhoneNumber {
  readonly id: string;
  readonly wabaId: string;
  readonly displayNumber: string;
  readonly verifiedName: string;
  readonly throughputPerSecond: number;
}

export interface Place {
  readonly phoneNumberId: string;
  readonly contactId: string;
}

export interface History {
  readonly typingUntilMs: number;
  readonly windowUntilMs: number | null;
  readonly messages: readonly HistoryMessage[];
}

export interface ConversationSummary {
  readonly phoneNumberId: string;
  readonly contact: Contact;
  readonly lastMessage: HistoryMessage | null;
  readonly typingUntilMs: number;
}

export interface Waiting {
  readonly updates: number;
  readonly inFlight: number;
  readonly retrying: number;
  readonly scheduled: number;
}

/** What a customer says. Which fields a type takes is told by the simulator when one is missing. */
export interface Say {
  readonly phoneNumberId: string;
  readonly contact: string;
  readonly type: string;
  readonly wamid?: string;
  readonly [field: string]: unknown;
}

/** The simulator answered, and the answer is no: a repeat would get the same. */
export class Refused extends Error {}

/** Any call of the control API, by its path under /_sim. */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`/_sim${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer as T;
  const said = (answer as { error?: unknown } | null)?.error;
  throw new Refused(typeof said === 'string' ? said : `The simulator answered ${response.status}.`);
}

export function query(values: Readonly<Record<string, string | number>>): string {
  return new URLSearchParams(
    Object.entries(values).map(([key, value]): [string, string] => [key, String(value)]),
  ).toString();
}

const historyMax = 500;
/** Those of a load run stand among them. */
const contactsMax = 10_000;
const summariesMax = 1_000;

export const getNumbers = async () =>
  (await call<{ numbers: readonly PhoneNumber[] }>('GET', '/numbers')).numbers;

export const getContacts = async () =>
  (await call<{ contacts: readonly Contact[] }>('GET', `/contacts?${query({ limit: contactsMax })}`))
    .contacts;

export const getHistory = ({ phoneNumberId, contactId }: Place) =>
  call<History>('GET', `/messages?${query({ phoneNumberId, contact: contactId, limit: historyMax })}`);

export const getSummaries = async () =>
  (
    await call<{ conversations: readonly ConversationSummary[] }>(
      'GET',
      `/conversations?${query({ limit: summariesMax })}`,
    )
  ).conversations;

export const getWaiting = async () => (await call<{ waiting: Waiting }>('GET', '/counters')).waiting;

export const getLastSeq = async () => (await call<{ lastSeq: number }>('GET', '/log?limit=1')).lastSeq;

export const getLog = async (after: number, limit: number) =>
  (await call<{ events: readonly SimulatorEvent[] }>('GET', `/log?${query({ after, limit })}`)).events;

export const createContact = async (spec: ContactSpec) =>
  (await call<{ contact: Contact }>('POST', '/contacts', spec)).contact;

export const changeContact = async (contactId: string, spec: ContactSpec) =>
  (await call<{ contact: Contact }>('PATCH', `/contacts/${encodeURIComponent(contactId)}`, spec)).contact;

export const say = async (said: Say) => (await call<{ said: { atMs: number } }>('POST', '/say', said)).said;

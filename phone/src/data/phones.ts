/**
 * Which phones lie on the desk and what each shows. The choice stands in the address, so that a reload or a second window
 * keeps it: `#number/customer`, a second phone behind `&`, the chat list of a customer as `#/customer`.
 */
import { computed, effect, signal } from '@preact/signals';
import { conversationAt, keyOf, load, looking, markSeen } from './conversations.ts';
import { arePeopleKnown, contactOf, contacts, numberOf, numbers, readPeople } from './people.ts';

export interface Phone {
  readonly contactId: string;
  /** The open chat, or null for the chat list. */
  readonly phoneNumberId: string | null;
}

const phonesMax = 2;

export const phones = signal<readonly Phone[]>([]);
/** The phone that shortcuts and the list of customers speak to. */
export const activeIndex = signal(0);
export const activePhone = computed<Phone | undefined>(
  () => phones.value[activeIndex.value] ?? phones.value[0],
);

const encode = ({ contactId, phoneNumberId }: Phone): string =>
  `${encodeURIComponent(phoneNumberId ?? '')}/${encodeURIComponent(contactId)}`;

function decode(part: string): Phone {
  const [number = '', contact = ''] = part.split('/').map(decodeURIComponent);
  return { contactId: contact, phoneNumberId: number === '' ? null : number };
}

const addressParts = (): readonly string[] =>
  location.hash.slice(1).split('&').filter(Boolean).slice(0, phonesMax);

/** What the address asks for, as far as there is such a thing; without an address the first customer's first chat. */
function asked(): readonly Phone[] {
  const firstContact = contacts.value[0];
  const firstNumber = numbers.value[0]?.id ?? null;
  if (!firstContact) return [];
  const parts = addressParts();
  if (parts.length === 0) return [{ contactId: firstContact.id, phoneNumberId: firstNumber }];
  return parts.map(decode).map(({ contactId, phoneNumberId }) => ({
    contactId: contactOf(contactId)?.id ?? firstContact.id,
    phoneNumberId: phoneNumberId === null ? null : (numberOf(phoneNumberId)?.id ?? firstNumber),
  }));
}

/** How many there will be, before anything is known of them: they have their place from the first moment. */
export const phonesExpected = Math.max(1, addressParts().length);

function keep(shown: readonly Phone[]): void {
  phones.value = shown;
  history.replaceState(null, '', `#${shown.map(encode).join('&')}`);
}

export function show(index: number, phone: Partial<Phone>): void {
  activeIndex.value = index;
  keep(phones.value.map((each, at) => (at === index ? { ...each, ...phone } : each)));
}

export const openChat = (index: number, phoneNumberId: string): void => show(index, { phoneNumberId });
export const closeChat = (index: number): void => show(index, { phoneNumberId: null });

/** Another customer's phone in the place of this one; the chat with the same business stays open. */
export const handTo = (index: number, contactId: string): void => show(index, { contactId });

export function addPhone(contactId?: string): void {
  const [first] = phones.value;
  if (!first || phones.value.length >= phonesMax) return;
  const other = contacts.value.find(({ id }) => id !== first.contactId)?.id ?? first.contactId;
  keep([...phones.value, { contactId: contactId ?? other, phoneNumberId: first.phoneNumberId }]);
  activeIndex.value = phones.value.length - 1;
}

export function removePhone(index: number): void {
  if (phones.value.length < 2) return;
  keep(phones.value.filter((_, at) => at !== index));
  activeIndex.value = 0;
}

window.addEventListener('hashchange', () => {
  // The address may name someone who came a moment ago.
  void readPeople()
    .catch(() => {})
    .then(() => {
      if (arePeopleKnown.value) phones.value = asked();
    });
});

/** At the beginning, and when a reset took a customer away. */
effect(() => {
  if (!arePeopleKnown.value) return;
  const isGone = ({ contactId }: Phone) => contactOf(contactId) === undefined;
  const isAsked = phones.value.length === 0 ? contacts.value.length > 0 : phones.value.some(isGone);
  if (isAsked) phones.value = asked();
});

/** What is open is loaded once, and seen. */
effect(() => {
  const open = phones.value.flatMap(({ contactId, phoneNumberId }) =>
    phoneNumberId === null ? [] : [conversationAt({ contactId, phoneNumberId })],
  );
  looking.value = new Set(open.map(keyOf));
  for (const conversation of open) {
    markSeen(conversation);
    if (!conversation.isLoaded.peek()) load(conversation).catch(() => {});
  }
});

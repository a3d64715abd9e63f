/** The businesses' numbers and the customers. Both are few here; a load run's thousands are not shown. */
import { signal } from '@preact/signals';
import {
  type Contact,
  type ContactSpec,
  createContact,
  getContacts,
  getNumbers,
  type PhoneNumber,
  changeContact as patchContact,
  type SimulatorEvent,
} from './control.ts';
import { gathered } from './gathered.ts';
import { onConnect, onEvents } from './live.ts';

const gatherMs = 120;

export const numbers = signal<readonly PhoneNumber[]>([]);
export const contacts = signal<readonly Contact[]>([]);
/** Whether both have been read: before that, none means nothing. */
export const arePeopleKnown = signal(false);

export const numberOf = (phoneNumberId: string): PhoneNumber | undefined =>
  numbers.value.find(({ id }) => id === phoneNumberId);
export const contactOf = (contactId: string): Contact | undefined =>
  contacts.value.find(({ id }) => id === contactId);

/** Of a load run: thousands, whom nobody picks from a list. */
export const isMadeUp = (contactId: string): boolean => contactId.startsWith('load-');

export async function readPeople(): Promise<void> {
  const [foundNumbers, foundContacts] = await Promise.all([getNumbers(), getContacts()]);
  numbers.value = foundNumbers;
  contacts.value = foundContacts.filter(({ id }) => !isMadeUp(id));
  arePeopleKnown.value = true;
}

export async function addContact(spec: ContactSpec): Promise<Contact> {
  const contact = await createContact(spec);
  await readPeople();
  return contact;
}

export async function changeContact(contactId: string, spec: ContactSpec): Promise<void> {
  await patchContact(contactId, spec);
  await readPeople();
}

const readLater = gathered(readPeople, gatherMs);

onConnect(readPeople);
onEvents((told) => {
  const concerns = (event: SimulatorEvent): boolean => {
    if (event.kind === 'settingsChanged' || event.kind === 'reset') return true;
    const isPerson = event.kind === 'contactCreated' || event.kind === 'contactChanged';
    return isPerson && !isMadeUp(event.contactId);
  };
  if (told.some(concerns)) readLater();
});

/** The customers: whose phone is in the hand. The newest words of each, in whatever chat, stand under the name. */
import { useState } from 'preact/hooks';
import { Avatar } from '../chat/avatar.tsx';
import { Badge, Preview } from '../chat/preview.tsx';
import { addressOf, whenOf } from '../chat/wording.ts';
import { now } from '../data/clock.ts';
import type { Contact } from '../data/control.ts';
import { conversationAt } from '../data/conversations.ts';
import { arePeopleKnown, contacts, numbers } from '../data/people.ts';
import { activeIndex, activePhone, handTo, phones } from '../data/phones.ts';
import { openDialog } from './dialog-state.ts';
import { Icon } from './icons.tsx';

const searchedFrom = 8;
const shownMax = 60;

function Customer({ contact }: { contact: Contact }) {
  const chats = numbers.value.map(({ id }) => conversationAt({ phoneNumberId: id, contactId: contact.id }));
  const unread = chats.reduce((sum, chat) => sum + chat.unread.value, 0);
  const last = chats
    .map((chat) => chat.last.value)
    .reduce((a, b) => ((b?.atMs ?? 0) > (a?.atMs ?? 0) ? b : a), null);
  const isCurrent = activePhone.value?.contactId === contact.id;
  return (
    <li data-on-desk={phones.value.some(({ contactId }) => contactId === contact.id) ? '' : undefined}>
      <button
        type="button"
        class="customer"
        data-contact={contact.id}
        title={addressOf(contact)}
        {...(isCurrent ? { 'aria-current': 'true' as const } : {})}
        onClick={() => handTo(activeIndex.value, contact.id)}
      >
        <Avatar name={contact.name} />
        <span class="entry-lines">
          <strong>{contact.name}</strong>
          <Preview last={last} instead={addressOf(contact)} />
        </span>
        <span class="entry-side">
          {last && <span class="entry-time">{whenOf(last.atMs, now.value)}</span>}
          <Badge count={unread} />
        </span>
      </button>
      <button
        type="button"
        class="round quiet small customer-settings"
        aria-label={`Settings of ${contact.name}`}
        aria-haspopup="dialog"
        onClick={() => openDialog({ kind: 'customer', contactId: contact.id })}
      >
        <Icon name="settings" />
      </button>
    </li>
  );
}

function found(search: string): readonly Contact[] {
  const wanted = search.trim().toLowerCase();
  const matching = contacts.value.filter(
    (contact) => wanted === '' || `${contact.name} ${addressOf(contact)}`.toLowerCase().includes(wanted),
  );
  if (matching.length <= shownMax) return matching;
  // Who is on the desk stays in sight, whatever a load run adds.
  const held = new Set(phones.value.map(({ contactId }) => contactId));
  return [
    ...matching.filter(({ id }) => held.has(id)),
    ...matching.filter(({ id }) => !held.has(id)).slice(-shownMax),
  ];
}

export function People() {
  const [search, setSearch] = useState('');
  return (
    <nav class="people" aria-label="Customers">
      <h2 id="customers-title">You are</h2>
      {contacts.value.length > searchedFrom && (
        <input
          class="search"
          type="search"
          placeholder="Search"
          aria-label="Search customers"
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      )}
      <ul class="customers" aria-labelledby="customers-title">
        {found(search).map((contact) => (
          <Customer key={contact.id} contact={contact} />
        ))}
      </ul>
      <button
        type="button"
        class="add-customer"
        hidden={!arePeopleKnown.value}
        aria-haspopup="dialog"
        aria-label="Add a customer"
        onClick={() => openDialog({ kind: 'newCustomer' })}
      >
        <Icon name="plus" /> <span>Add a customer</span>
      </button>
    </nav>
  );
}

/** The first screen of a phone: the businesses that this customer can write to, the newest chat first. */
import { now } from '../data/clock.ts';
import type { Contact, PhoneNumber } from '../data/control.ts';
import { conversationAt } from '../data/conversations.ts';
import { numbers } from '../data/people.ts';
import { Avatar } from './avatar.tsx';
import { Badge, Preview } from './preview.tsx';
import { addressOf, whenOf } from './wording.ts';

interface EntryProps {
  readonly number: PhoneNumber;
  readonly contactId: string;
  readonly onOpen: () => void;
}

function Entry({ number, contactId, onOpen }: EntryProps) {
  const { last, unread, isTyping } = conversationAt({ phoneNumberId: number.id, contactId });
  return (
    <li>
      <button type="button" class="entry" data-number={number.id} onClick={onOpen}>
        <Avatar name={number.verifiedName} />
        <span class="entry-lines">
          <strong>{number.verifiedName}</strong>
          {isTyping.value ? (
            <span class="preview is-typing">typing…</span>
          ) : (
            <Preview last={last.value} instead={number.displayNumber} />
          )}
        </span>
        <span class="entry-side">
          {last.value && <span class="entry-time">{whenOf(last.value.atMs, now.value)}</span>}
          <Badge count={unread.value} />
        </span>
      </button>
    </li>
  );
}

function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined) return;
  const list = event.currentTarget as HTMLElement;
  const entries = [...list.querySelectorAll<HTMLElement>('.entry')];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  const next = entries[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export interface ChatListProps {
  readonly contact: Contact;
  readonly onOpen: (phoneNumberId: string) => void;
}

export function ChatList({ contact, onOpen }: ChatListProps) {
  const lastAtMs = ({ id }: PhoneNumber) =>
    conversationAt({ phoneNumberId: id, contactId: contact.id }).last.value?.atMs ?? 0;
  const sorted = numbers.value.toSorted((a, b) => lastAtMs(b) - lastAtMs(a));
  return (
    <section class="chats" aria-label={`Chats of ${contact.name}`}>
      <header class="chats-head">
        <h2>Chats</h2>
        <p>
          {contact.name} · {addressOf(contact)}
        </p>
      </header>
      <ul class="entries" onKeyDown={moveFocus}>
        {sorted.map((number) => (
          <Entry key={number.id} number={number} contactId={contact.id} onOpen={() => onOpen(number.id)} />
        ))}
      </ul>
    </section>
  );
}

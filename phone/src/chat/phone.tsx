/** One phone: a customer's. It shows the chats, or the open one. */
import { useEffect, useRef } from 'preact/hooks';
import { now } from '../data/clock.ts';
import { conversationAt } from '../data/conversations.ts';
import { contactOf, numberOf, numbers } from '../data/people.ts';
import {
  activeIndex,
  closeChat,
  openChat,
  type Phone as PhoneState,
  phones,
  removePhone,
} from '../data/phones.ts';
import { Icon } from '../desk/icons.tsx';
import { Chat } from './chat.tsx';
import { ChatList } from './chat-list.tsx';
import { timeOf } from './wording.ts';

function StatusBar({ name, index }: { name: string; index: number }) {
  return (
    <div class="phone-bar">
      <span class="phone-time">{timeOf(now.value)}</span>
      <span class="phone-owner">{name}’s phone</span>
      {phones.value.length > 1 && index > 0 ? (
        <button
          type="button"
          class="round quiet small"
          aria-label={`Put ${name}’s phone away`}
          onClick={() => removePhone(index)}
        >
          <Icon name="close" />
        </button>
      ) : (
        <span class="phone-signal" aria-hidden="true" />
      )}
    </div>
  );
}

export function Phone({ phone, index }: { phone: PhoneState; index: number }) {
  const root = useRef<HTMLElement>(null);
  const contact = contactOf(phone.contactId);
  const number = phone.phoneNumberId === null ? undefined : numberOf(phone.phoneNumberId);
  const isPicked = useRef(false);
  useEffect(() => {
    // Who opened or closed a chat goes on with the keyboard where it matters.
    if (!isPicked.current) return;
    isPicked.current = false;
    root.current?.querySelector<HTMLElement>('textarea, .entry')?.focus();
  }, [phone.phoneNumberId]);
  const pick = (change: () => void) => {
    isPicked.current = true;
    change();
  };
  return (
    <section
      ref={root}
      class="phone"
      aria-label={contact ? `${contact.name}’s phone` : 'Phone'}
      data-active={activeIndex.value === index ? '' : undefined}
      aria-busy={numbers.value.length === 0}
      onFocusCapture={() => {
        activeIndex.value = index;
      }}
    >
      {contact && (
        <>
          <StatusBar name={contact.name} index={index} />
          {number ? (
            <Chat
              key={`${number.id} ${contact.id}`}
              conversation={conversationAt({ phoneNumberId: number.id, contactId: contact.id })}
              number={number}
              onBack={() => pick(() => closeChat(index))}
            />
          ) : (
            <ChatList key={contact.id} contact={contact} onOpen={(id) => pick(() => openChat(index, id))} />
          )}
        </>
      )}
    </section>
  );
}

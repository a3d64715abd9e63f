/** Keys that work wherever nothing is written. To add one, add it to `shortcuts`, and what it does to `actions`. */
import { contacts, numbers } from '../data/people.ts';
import { activeIndex, activePhone, addPhone, handTo, openChat, phones, removePhone } from '../data/phones.ts';
import { isWorkbenchOpen, switchTheme } from '../data/preferences.ts';
import { view } from '../data/selection.ts';
import { openDialog, openedDialog } from './dialog-state.ts';
import { isNarrow } from './narrow.ts';

export interface Shortcut {
  readonly keys: readonly string[];
  readonly words: string;
}

export const shortcuts: readonly Shortcut[] = [
  { keys: ['Enter'], words: 'send; Shift makes a new line' },
  { keys: ['Esc'], words: 'close what is open; from a message to the field; from the field to the chats' },
  { keys: ['↑', '↓'], words: 'from message to message, from chat to chat' },
  { keys: ['R'], words: 'reply to the message that has the focus; Enter for all one can do with it' },
  { keys: ['/'], words: 'write' },
  { keys: ['J', 'K'], words: 'the next customer, the one before' },
  { keys: ['B'], words: 'the next business' },
  { keys: ['2'], words: 'two phones side by side' },
  { keys: ['O'], words: 'to the other phone' },
  { keys: ['N'], words: 'a new customer' },
  { keys: ['W'], words: 'workbench' },
  { keys: ['D'], words: 'light, dark, or as the system' },
  { keys: ['?'], words: 'these shortcuts' },
];

/** At once: what is typed next belongs there. */
function focusField(): void {
  const phone = document.querySelectorAll('.phone')[activeIndex.value];
  phone?.querySelector<HTMLElement>('textarea, .entry')?.focus();
}

function turnCustomer(step: number): void {
  const at = contacts.value.findIndex(({ id }) => id === activePhone.value?.contactId);
  const next = contacts.value.at((at + step) % contacts.value.length);
  if (next) handTo(activeIndex.value, next.id);
}

function turnBusiness(): void {
  const at = numbers.value.findIndex(({ id }) => id === activePhone.value?.phoneNumberId);
  const next = numbers.value.at((at + 1) % numbers.value.length);
  if (next) openChat(activeIndex.value, next.id);
}

const actions: Readonly<Record<string, () => void>> = {
  '/': focusField,
  j: () => turnCustomer(1),
  k: () => turnCustomer(-1),
  b: turnBusiness,
  2: () => (phones.value.length > 1 ? removePhone(1) : addPhone()),
  o: () => {
    if (phones.value.length < 2) return;
    activeIndex.value = 1 - activeIndex.value;
    focusField();
  },
  n: () => openDialog({ kind: 'newCustomer' }),
  w: () => {
    if (isNarrow.value) view.value = view.value === 'phone' ? 'workbench' : 'phone';
    else isWorkbenchOpen.value = isWorkbenchOpen.value === 'yes' ? 'no' : 'yes';
  },
  d: switchTheme,
  '?': () => openDialog({ kind: 'shortcuts' }),
};

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

export function listenToShortcuts(): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (
      event.defaultPrevented ||
      ctrlKey ||
      metaKey ||
      altKey ||
      openedDialog.value !== null ||
      isWriting(target)
    )
      return;
    const action = actions[key.length === 1 ? key.toLowerCase() : key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}

/** Who writes to whom: the tabs of the businesses, the list of customers, and the dialog that adds one. */

import { tickOf } from './conversation.js';
import { byId, drawing, make } from './elements.js';
import { colourOf, initialsOf, timeOf, wordsOf } from './wording.js';

/**
 * @typedef {import('./api.js').PhoneNumber} PhoneNumber
 * @typedef {import('./api.js').Contact} Contact
 * @typedef {import('./api.js').Message} Message
 */

/** @param {number} count */
function badge(count) {
  if (count === 0) return [];
  return [
    make('span', { className: 'badge', text: String(Math.min(count, 99)), 'aria-label': `${count} new` }),
  ];
}

/** @param {{ onPick: (phoneNumberId: string) => void }} actions */
export function createTabs({ onPick }) {
  const tabs = byId('tabs');
  tabs.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const all = /** @type {HTMLElement[]} */ ([...tabs.children]);
    const at = all.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
    const next = step === undefined ? undefined : all[(at + step + all.length) % all.length];
    if (!next) return;
    event.preventDefault();
    onPick(next.dataset.id ?? '');
    /** @type {HTMLElement | undefined} */ (tabs.children[all.indexOf(next)])?.focus();
  });

  return {
    /**
     * @param {{ numbers: PhoneNumber[], chosen: string, unreadOf: (phoneNumberId: string) => number }} state
     */
    draw({ numbers, chosen, unreadOf }) {
      const hadFocus = tabs.contains(document.activeElement);
      tabs.replaceChildren(
        ...numbers.map(({ id, verifiedName, displayNumber }) => {
          const isChosen = id === chosen;
          const tab = make(
            'button',
            {
              type: 'button',
              role: 'tab',
              id: `tab-${id}`,
              'data-id': id,
              title: displayNumber,
              'aria-selected': String(isChosen),
              'aria-controls': 'chat',
              tabindex: isChosen ? '0' : '-1',
            },
            [make('span', { text: verifiedName }), ...badge(unreadOf(id))],
          );
          tab.addEventListener('click', () => onPick(id));
          if (isChosen) byId('chat').setAttribute('aria-labelledby', tab.id);
          return tab;
        }),
      );
      if (hadFocus) document.getElementById(`tab-${chosen}`)?.focus();
    },
  };
}

/** @param {{ onPick: (contactId: string) => void }} actions */
export function createCustomers({ onPick }) {
  const list = byId('customers');

  /** @param {Message | undefined} last */
  function preview(last) {
    if (!last) return [make('span', { className: 'preview', text: 'No messages yet' })];
    const { tick, label } = tickOf(last);
    const mark = make('span', { className: 'tick', role: 'img', 'aria-label': label, 'data-tick': tick }, [
      drawing(tick),
    ]);
    return [
      make('span', { className: 'preview' }, [...(last.direction === 'in' ? [mark] : []), wordsOf(last)]),
    ];
  }

  return {
    /**
     * @param {object} state
     * @param {Contact[]} state.contacts
     * @param {string} state.chosen
     * @param {(contactId: string) => Message | undefined} state.lastOf
     * @param {(contactId: string) => number} state.unreadOf
     */
    draw({ contacts, chosen, lastOf, unreadOf }) {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.contact;
      list.replaceChildren(
        ...contacts.map(({ id, name, phone, userId }) => {
          const last = lastOf(id);
          const button = make(
            'button',
            {
              type: 'button',
              'data-contact': id,
              title: phone ? `+${phone}` : (userId ?? ''),
              ...(id === chosen ? { 'aria-current': 'true' } : {}),
            },
            [
              make('span', {
                className: 'avatar',
                'data-colour': String(colourOf(name)),
                'aria-hidden': 'true',
                text: initialsOf(name),
              }),
              make('span', { className: 'customer-lines' }, [
                make('span', { className: 'customer-name', text: name }),
                ...preview(last),
              ]),
              make('span', { className: 'customer-side' }, [
                ...(last ? [make('span', { className: 'customer-time', text: timeOf(last.atMs) })] : []),
                ...badge(unreadOf(id)),
              ]),
            ],
          );
          button.addEventListener('click', () => onPick(id));
          return make('li', {}, [button]);
        }),
      );
      if (focused) {
        /** @type {HTMLElement | null} */ (
          list.querySelector(`[data-contact="${CSS.escape(focused)}"]`)
        )?.focus();
      }
    },
  };
}

const names = [
  'Amara Okafor',
  'Lena Vogt',
  'Tomás Rivera',
  'Yuki Tanaka',
  'Priya Nair',
  'Sam Doyle',
  'Nils Berg',
  'Zoé Martin',
];

/**
 * @param {{
 *   onAdd: (contact: { name: string, phone: string }) => Promise<string>,
 *   onAdded: (contactId: string) => Promise<void>,
 *   countOf: () => number,
 * }} actions
 */
export function createNewCustomer({ onAdd, onAdded, countOf }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('new-customer'));
  const name = /** @type {HTMLInputElement} */ (byId('new-name'));
  const phone = /** @type {HTMLInputElement} */ (byId('new-phone'));
  const problem = byId('new-problem');

  byId('add-customer').addEventListener('click', () => {
    const count = countOf();
    name.value = names[count % names.length] ?? '';
    // Numbers of this range belong to nobody: it is kept for films and examples.
    phone.value = `+1 650 555 0${String(130 + count).slice(-3)}`;
    problem.textContent = '';
    dialog.showModal();
    name.select();
  });
  byId('new-cancel').addEventListener('click', () => dialog.close());
  byId('new-customer-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    if (phone.value.replace(/\D/g, '').length < 5) {
      problem.textContent = 'A phone number has at least five digits.';
      return;
    }
    try {
      const contactId = await onAdd({ name: name.value.trim(), phone: phone.value });
      // Closed first: under an open dialog the new chat is shown and takes no typing.
      dialog.close();
      await onAdded(contactId);
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  });
}

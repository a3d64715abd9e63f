/** A new customer: with a phone number, or one that WhatsApp shows by username and BSUID only. */
import { useState } from 'preact/hooks';
import type { ContactSpec } from '../data/control.ts';
import { addContact, contacts } from '../data/people.ts';
import { activeIndex, handTo } from '../data/phones.ts';

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
const phoneDigitsMin = 5;

/** Numbers of this range belong to nobody: it is kept for films and examples. */
const examplePhone = (count: number) => `+1 650 555 0${String(130 + count).slice(-3)}`;

const usernameOf = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^a-zA-Z0-9]+/g, '.')
    .replace(/^\.|\.$/g, '')
    .toLowerCase() || 'someone';

function newUserId(): string {
  const digits = crypto.getRandomValues(new Uint32Array(2));
  return `US.${[...digits].map((each) => String(each).padStart(10, '0')).join('')}`;
}

function specOf(name: string, phone: string, hasPhone: boolean): ContactSpec {
  if (hasPhone) return { name, phone, userId: newUserId() };
  return { name, userId: newUserId(), username: usernameOf(name) };
}

export function NewCustomer({ onDone }: { onDone: () => void }) {
  const count = contacts.value.length;
  const [name, setName] = useState(names[count % names.length] ?? '');
  const [phone, setPhone] = useState(examplePhone(count));
  const [hasPhone, setHasPhone] = useState(true);
  const [problem, setProblem] = useState('');
  const add = async () => {
    if (name.trim() === '') return setProblem('A customer has a name.');
    if (hasPhone && phone.replace(/\D/g, '').length < phoneDigitsMin) {
      return setProblem(`A phone number has at least ${phoneDigitsMin} digits.`);
    }
    try {
      const { id } = await addContact(specOf(name.trim(), phone, hasPhone));
      onDone();
      handTo(activeIndex.value, id);
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>('.phone[data-active] textarea')?.focus(),
      );
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <label>
        <span>Name</span>
        <input
          value={name}
          maxLength={60}
          autocomplete="off"
          onInput={({ currentTarget }) => setName(currentTarget.value)}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={!hasPhone}
          onChange={({ currentTarget }) => setHasPhone(!currentTarget.checked)}
        />
        <span>Username only, without a number</span>
      </label>
      {hasPhone ? (
        <label>
          <span>Phone number</span>
          <input
            inputMode="tel"
            value={phone}
            maxLength={24}
            autocomplete="off"
            onInput={({ currentTarget }) => setPhone(currentTarget.value)}
          />
        </label>
      ) : (
        <p class="hint">Businesses see @{usernameOf(name)} and a BSUID.</p>
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="button" class="plain" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="wide-button">
          Add
        </button>
      </div>
    </form>
  );
}

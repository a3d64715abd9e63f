/** How a customer's phone behaves: how far messages get to it, what fails, and whether businesses see its number. */
import { useState } from 'preact/hooks';
import { addressOf } from '../chat/wording.ts';
import type { Contact, ContactSpec } from '../data/control.ts';
import { changeContact, contactOf } from '../data/people.ts';

const receipts: readonly [Contact['receipts'], string][] = [
  ['read', 'On, and messages are read'],
  ['delivered', 'On, and receipts are switched off'],
  ['sent', 'Switched off: messages are sent, not delivered'],
  ['none', 'No status ever comes'],
];

const failures: readonly [number | null, string][] = [
  [null, 'Nothing fails'],
  [131026, '131026: cannot be reached'],
  [131049, '131049: Meta chose not to deliver'],
  [131050, '131050: does not want marketing'],
];

export function CustomerSettings({ contactId, onDone }: { contactId: string; onDone: () => void }) {
  const [problem, setProblem] = useState('');
  const contact = contactOf(contactId);
  if (!contact) return <p class="hint">This customer is gone: the simulator was emptied.</p>;
  const change = (spec: ContactSpec) => {
    changeContact(contactId, spec).then(
      () => setProblem(''),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onDone();
      }}
    >
      <p class="hint">
        {contact.name} · {addressOf(contact)}
        {contact.userId ? ` · ${contact.userId}` : ''}
      </p>
      <label>
        <span>The phone is</span>
        <select
          value={contact.receipts}
          onChange={({ currentTarget }) => change({ receipts: currentTarget.value as Contact['receipts'] })}
        >
          {receipts.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Messages to it</span>
        <select
          value={String(contact.failCode ?? '')}
          onChange={({ currentTarget: { value } }) =>
            change({ failCode: value === '' ? null : Number(value) })
          }
        >
          {failures.map(([code, words]) => (
            <option key={String(code)} value={String(code ?? '')}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {contact.phone !== null && (
        <label class="check">
          <input
            type="checkbox"
            checked={contact.phoneHidden}
            onChange={({ currentTarget }) => change({ phoneHidden: currentTarget.checked })}
          />
          <span>Businesses see no phone number, only the BSUID</span>
        </label>
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="submit" class="wide-button">
          Done
        </button>
      </div>
    </form>
  );
}

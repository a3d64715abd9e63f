/** The rows of a list message. One is picked, then sent, as on a phone. */
import { useState } from 'preact/hooks';
import type { Message } from '../../data/history.ts';
import type { Said } from '../../data/outbox.ts';
import { Icon } from '../../desk/icons.tsx';
import { readList, readObject, readText } from '../reading.ts';
import { Sheet } from './sheet.tsx';

interface Row {
  readonly id: string;
  readonly title: string;
  readonly description: string | undefined;
}

function rowsOf(section: unknown): readonly Row[] {
  return readList(readObject(section).rows)
    .map(readObject)
    .map((row) => ({
      id: readText(row.id) ?? '',
      title: readText(row.title) ?? '',
      description: readText(row.description),
    }));
}

export function ListSheet({
  message,
  say,
  onClose,
}: {
  message: Message;
  say: (said: Said) => void;
  onClose: () => void;
}) {
  const action = readObject(readObject(message.body).action);
  const [picked, setPicked] = useState<Row | null>(null);
  const send = () => {
    if (!picked) return;
    const { id, title, description } = picked;
    onClose();
    say({
      type: 'listReply',
      id,
      title,
      replyTo: message.wamid,
      ...(description === undefined ? {} : { description }),
    });
  };
  return (
    <Sheet title={readText(action.button) ?? 'Choose'} onClose={onClose}>
      <form
        class="list-form"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div class="list-rows">
          {readList(action.sections).map((section, at) => (
            <fieldset key={at}>
              <legend>{readText(readObject(section).title) ?? 'Choose one'}</legend>
              {rowsOf(section).map((row) => (
                <label key={row.id} class="list-row">
                  <span class="lines">
                    <strong>{row.title}</strong>
                    {row.description !== undefined && <span>{row.description}</span>}
                  </span>
                  <input
                    type="radio"
                    name={`list ${message.wamid}`}
                    value={row.id}
                    onChange={() => setPicked(row)}
                  />
                </label>
              ))}
            </fieldset>
          ))}
        </div>
        <button type="submit" class="wide-button" disabled={picked === null}>
          <Icon name="send" /> Send
        </button>
      </form>
    </Sheet>
  );
}

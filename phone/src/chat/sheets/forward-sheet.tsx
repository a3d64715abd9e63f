/** To which business a message is forwarded. Only its content goes, with the mark that it is forwarded. */

import type { Message } from '../../data/history.ts';
import { type Said, speak } from '../../data/outbox.ts';
import { numbers } from '../../data/people.ts';
import { Avatar } from '../avatar.tsx';
import { readList, readNumber, readObject, readText } from '../reading.ts';
import { wordsOf } from '../wording.ts';
import { Sheet } from './sheet.tsx';

const mediaTypes = new Set(['image', 'video', 'audio', 'document', 'sticker']);

/** The same content as something a customer says. */
export function forwardedOf(message: Message): Said {
  const body = readObject(message.body);
  const forwarded = true;
  if (mediaTypes.has(message.type)) {
    const given = {
      mediaId: readText(body.id),
      mimeType: readText(body.mime_type),
      caption: readText(body.caption),
      filename: readText(body.filename),
      sha256: readText(body.sha256),
    };
    const known = Object.entries(given).filter(([, value]) => value !== undefined);
    return { type: message.type, forwarded, ...Object.fromEntries(known) };
  }
  if (message.type === 'location') {
    const { name, address } = body;
    const latitude = readNumber(body.latitude);
    const longitude = readNumber(body.longitude);
    return { type: 'location', forwarded, latitude, longitude, name, address };
  }
  if (message.type === 'contacts') return { type: 'contacts', forwarded, contacts: readList(message.body) };
  return { type: 'text', forwarded, text: wordsOf(message) };
}

export function ForwardSheet({
  message,
  contactId,
  onClose,
}: {
  message: Message;
  contactId: string;
  onClose: () => void;
}) {
  return (
    <Sheet title="Forward to" onClose={onClose}>
      <ul class="menu">
        {numbers.value.map(({ id, verifiedName, displayNumber }) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => {
                onClose();
                speak({ phoneNumberId: id, contactId }, forwardedOf(message));
              }}
            >
              <Avatar name={verifiedName} />
              <span class="lines">
                <strong>{verifiedName}</strong>
                <span>{displayNumber}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

/** What a message says, by its type. To show a new type, add a case to `Content`. */
import type { Message } from '../../data/history.ts';
import { readList, readObject, readText } from '../reading.ts';
import { wordsOf } from '../wording.ts';
import { Card } from './card.tsx';
import { Formatted } from './formatted.tsx';
import { Interactive } from './interactive.tsx';
import { DocumentFile, Picture, Sticker, Video } from './media.tsx';
import { Order } from './order.tsx';
import { Spot } from './spot.tsx';
import { Template } from './template.tsx';
import { Voice } from './voice.tsx';

export const hasOwnFrame = ({ type }: Message): boolean => type === 'sticker';

function Caption({ body }: { body: unknown }) {
  const caption = readText(readObject(body).caption);
  return caption === undefined ? null : (
    <span class="words">
      <Formatted text={caption} />
    </span>
  );
}

export function Content({ message }: { message: Message }) {
  const { type, text, body, wamid } = message;
  switch (type) {
    case 'text':
    case 'button':
      return (
        <span class="words">
          <Formatted text={text ?? readText(readObject(body).body) ?? ''} />
        </span>
      );
    case 'interactive':
      return <Interactive message={message} />;
    case 'image':
      return (
        <>
          <Picture body={body} />
          <Caption body={body} />
        </>
      );
    case 'video':
      return (
        <>
          <Video body={body} />
          <Caption body={body} />
        </>
      );
    case 'document':
      return (
        <>
          <DocumentFile body={body} />
          <Caption body={body} />
        </>
      );
    case 'audio':
      return <Voice body={body} wamid={wamid} />;
    case 'sticker':
      return <Sticker body={body} />;
    case 'location':
      return <Spot body={body} />;
    case 'contacts':
      return (
        <Card cards={readList(body).length > 0 ? readList(body) : readList(readObject(body).contacts)} />
      );
    case 'template':
      return <Template body={body} />;
    case 'order':
      return <Order body={body} text={text} />;
    default:
      return <span class="words other">{wordsOf(message)}</span>;
  }
}

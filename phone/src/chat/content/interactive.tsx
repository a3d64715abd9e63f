/** Questions of a business with buttons, lists and links, and what the customer tapped. */
import type { Message } from '../../data/history.ts';
import { type Body, readObject, readText } from '../reading.ts';
import { interactiveText } from '../wording.ts';
import { Formatted } from './formatted.tsx';
import { DocumentFile, Picture, Video } from './media.tsx';

function Header({ header }: { header: Body }) {
  if (header.image !== undefined) return <Picture body={header.image} />;
  if (header.video !== undefined) return <Video body={header.video} />;
  if (header.document !== undefined) return <DocumentFile body={header.document} />;
  const text = readText(header.text);
  return text === undefined ? null : <strong class="headline">{text}</strong>;
}

export function Interactive({ message }: { message: Message }) {
  const content = readObject(message.body);
  const footer = readText(readObject(content.footer).text);
  const reply = readObject(content.list_reply);
  const description = readText(reply.description);
  return (
    <>
      <Header header={readObject(content.header)} />
      <span class="words">
        <Formatted text={message.text ?? interactiveText(message.body)} />
      </span>
      {description !== undefined && <span class="footnote">{description}</span>}
      {footer !== undefined && <span class="footnote">{footer}</span>}
    </>
  );
}

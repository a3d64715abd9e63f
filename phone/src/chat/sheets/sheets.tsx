/** Which sheet is up over a chat, and what it does there. */
import type { Conversation } from '../../data/conversations.ts';
import type { Message } from '../../data/history.ts';
import { type Said, speak } from '../../data/outbox.ts';
import type { Intent } from '../composer.tsx';
import { marksOf } from '../marks.ts';
import { sampleSticker } from '../samples.ts';
import { sendFile } from '../sending.ts';
import { AttachSheet } from './attach-sheet.tsx';
import { ForwardSheet } from './forward-sheet.tsx';
import { ListSheet } from './list-sheet.tsx';
import { LocationSheet } from './location-sheet.tsx';
import { MessageSheet } from './message-sheet.tsx';
import { PictureSheet } from './picture-sheet.tsx';
import { StickerSheet } from './sticker-sheet.tsx';

export type OpenSheet =
  | { readonly kind: 'message' | 'list' | 'forward'; readonly message: Message }
  | { readonly kind: 'attach' | 'sticker' }
  | { readonly kind: 'location'; readonly replyTo?: string }
  | { readonly kind: 'picture'; readonly address: string; readonly label: string };

export interface SheetsProps {
  readonly sheet: OpenSheet;
  readonly conversation: Conversation;
  readonly text: string;
  readonly open: (sheet: OpenSheet | null) => void;
  readonly intend: (intent: Intent | null) => void;
  readonly onTaken: () => void;
  readonly onProblem: (words: string) => void;
}

export function Sheets({ sheet, conversation, text, open, intend, onTaken, onProblem }: SheetsProps) {
  const close = () => open(null);
  const say = (said: Said) => void speak(conversation, said);
  const sendSticker = async (emoji: string) =>
    sendFile(conversation, { type: 'sticker', file: await sampleSticker(emoji), name: 'sticker.webp' });
  switch (sheet.kind) {
    case 'message':
      return (
        <MessageSheet
          message={sheet.message}
          marks={marksOf(conversation.messages.value, new Map()).get(sheet.message.wamid)}
          say={say}
          onReply={() => intend({ kind: 'reply', message: sheet.message })}
          onEdit={() => intend({ kind: 'edit', message: sheet.message })}
          onForward={() => open({ kind: 'forward', message: sheet.message })}
          onClose={close}
        />
      );
    case 'list':
      return <ListSheet message={sheet.message} say={say} onClose={close} />;
    case 'forward':
      return <ForwardSheet message={sheet.message} contactId={conversation.contactId} onClose={close} />;
    case 'attach':
      return (
        <AttachSheet
          place={conversation}
          caption={text.trim()}
          onTaken={onTaken}
          onProblem={onProblem}
          onLocation={() => open({ kind: 'location' })}
          onSticker={() => open({ kind: 'sticker' })}
          onAd={() => intend({ kind: 'ad' })}
          onClose={close}
        />
      );
    case 'location':
      return (
        <LocationSheet
          onSend={(spot) =>
            say({
              type: 'location',
              ...spot,
              ...(sheet.replyTo === undefined ? {} : { replyTo: sheet.replyTo }),
            })
          }
          onClose={close}
        />
      );
    case 'sticker':
      return (
        <StickerSheet
          onSend={(emoji) => {
            sendSticker(emoji).catch((error: unknown) =>
              onProblem(error instanceof Error ? error.message : String(error)),
            );
          }}
          onClose={close}
        />
      );
    case 'picture':
      return <PictureSheet address={sheet.address} label={sheet.label} onClose={close} />;
  }
}

/** What can be done with one message. */

import type { Message } from '../../data/history.ts';
import type { Said } from '../../data/outbox.ts';
import { showLifeOf } from '../../data/selection.ts';
import { Icon, type IconName } from '../../desk/icons.tsx';
import type { Marks } from '../marks.ts';
import { wordsOf } from '../wording.ts';
import { Sheet } from './sheet.tsx';

const emojis = ['👍', '❤️', '😂', '😮', '😢', '🙏'];

export interface MessageSheetProps {
  readonly message: Message;
  readonly marks: Marks | undefined;
  readonly say: (said: Said) => void;
  readonly onReply: () => void;
  readonly onEdit: () => void;
  readonly onForward: () => void;
  readonly onClose: () => void;
}

interface Item {
  readonly icon: IconName;
  readonly words: string;
  readonly onPick: () => void;
}

export function MessageSheet({
  message,
  marks,
  say,
  onReply,
  onEdit,
  onForward,
  onClose,
}: MessageSheetProps) {
  const { wamid } = message;
  const words = wordsOf(message);
  const isOwn = message.direction === 'in' && !marks?.isRevoked;
  const items: Item[] = [
    { icon: 'reply', words: 'Reply', onPick: onReply },
    { icon: 'forward', words: 'Forward', onPick: onForward },
    {
      icon: 'copy',
      words: 'Copy text',
      onPick: () => void navigator.clipboard?.writeText(words).catch(() => {}),
    },
    ...(isOwn && message.type === 'text'
      ? [{ icon: 'edit', words: 'Edit', onPick: onEdit } satisfies Item]
      : []),
    ...(isOwn
      ? [
          {
            icon: 'trash',
            words: 'Delete for everyone',
            onPick: () => say({ type: 'revoke', originalMessageId: wamid }),
          } satisfies Item,
        ]
      : []),
    { icon: 'life', words: 'Life of this message', onPick: () => showLifeOf(wamid) },
  ];
  const react = (emoji: string) => {
    onClose();
    say({ type: 'reaction', messageId: wamid, ...(marks?.mine === emoji ? {} : { emoji }) });
  };
  return (
    <Sheet title={words.length > 60 ? `${words.slice(0, 60)}…` : words} onClose={onClose}>
      <fieldset class="emoji-row" aria-label="React">
        {emojis.map((emoji, at) => (
          <button
            type="button"
            key={emoji}
            data-autofocus={at === 0 ? '' : undefined}
            aria-pressed={marks?.mine === emoji}
            aria-label={`React with ${emoji}`}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
      </fieldset>
      <ul class="menu">
        {items.map(({ icon, words: label, onPick }) => (
          <li key={label}>
            <button
              type="button"
              onClick={() => {
                onClose();
                onPick();
              }}
            >
              <Icon name={icon} /> {label}
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

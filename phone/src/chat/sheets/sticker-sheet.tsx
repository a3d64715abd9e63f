import { Sheet } from './sheet.tsx';

const stickers = ['🌷', '📚', '🎉', '🐱', '🚀', '🥐', '🌙', '💐'];

export function StickerSheet({ onSend, onClose }: { onSend: (emoji: string) => void; onClose: () => void }) {
  return (
    <Sheet title="Send a sticker" onClose={onClose}>
      <div class="sticker-row">
        {stickers.map((emoji) => (
          <button
            type="button"
            key={emoji}
            aria-label={`Sticker ${emoji}`}
            onClick={() => {
              onClose();
              onSend(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
      </div>
    </Sheet>
  );
}

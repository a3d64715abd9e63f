/** Everything a customer can send besides text. To add a kind, add it to `kindsOf`. */
import { useRef } from 'preact/hooks';
import type { Place } from '../../data/control.ts';
import { speak } from '../../data/outbox.ts';
import { Icon, type IconName } from '../../desk/icons.tsx';
import { sampleDocument, samplePhoto } from '../samples.ts';
import { sendFile, typeOfFile } from '../sending.ts';
import { sendMurmur } from '../voice-note.ts';
import { Sheet } from './sheet.tsx';

export interface AttachSheetProps {
  readonly place: Place;
  readonly caption: string;
  readonly onTaken: () => void;
  readonly onProblem: (words: string) => void;
  readonly onLocation: () => void;
  readonly onSticker: () => void;
  readonly onAd: () => void;
  readonly onClose: () => void;
}

interface Kind {
  readonly icon: IconName;
  readonly words: string;
  readonly onPick: () => void | Promise<void>;
}

function kindsOf({ place, onLocation, onSticker, onAd }: AttachSheetProps): readonly Kind[] {
  return [
    {
      icon: 'photo',
      words: 'Sample photo',
      onPick: async () => sendFile(place, { type: 'image', file: await samplePhoto(), name: 'harbour.jpg' }),
    },
    {
      icon: 'document',
      words: 'Sample document',
      onPick: () => sendFile(place, { type: 'document', file: sampleDocument(), name: 'order.pdf' }),
    },
    { icon: 'mic', words: 'Sample voice note', onPick: () => sendMurmur(place) },
    { icon: 'pin', words: 'Location', onPick: onLocation },
    { icon: 'sticker', words: 'Sticker', onPick: onSticker },
    { icon: 'person', words: 'Contact card', onPick: () => void speak(place, { type: 'contacts' }) },
    { icon: 'bag', words: 'Order', onPick: () => void speak(place, { type: 'order' }) },
    { icon: 'megaphone', words: 'Next text from an ad', onPick: onAd },
    { icon: 'poll', words: 'Poll, unsupported', onPick: () => void speak(place, { type: 'unsupported' }) },
  ];
}

export function AttachSheet(props: AttachSheetProps) {
  const { place, caption, onTaken, onProblem, onClose } = props;
  const input = useRef<HTMLInputElement>(null);
  const attempt = (work: () => void | Promise<void>) => {
    Promise.resolve(work()).catch((error: unknown) => {
      onProblem(error instanceof Error ? error.message : String(error));
    });
  };
  const send = async (files: readonly File[]) => {
    for (const file of files) {
      const extra = caption === '' ? {} : { caption };
      await sendFile(place, { type: typeOfFile(file), file, name: file.name, extra });
    }
    onTaken();
  };
  return (
    <Sheet title="Send" onClose={onClose}>
      <button type="button" class="wide-button" data-autofocus="" onClick={() => input.current?.click()}>
        <Icon name="photo" /> Photo, video or document
      </button>
      <input
        ref={input}
        class="unseen"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files"
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          onClose();
          attempt(() => send(files));
        }}
      />
      <ul class="tiles">
        {kindsOf(props).map(({ icon, words, onPick }) => (
          <li key={words}>
            <button
              type="button"
              onClick={() => {
                onClose();
                attempt(onPick);
              }}
            >
              <span class="tile-icon">
                <Icon name={icon} />
              </span>
              {words}
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

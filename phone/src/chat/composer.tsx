/** The field to write in: with what is replied to or edited above it, what to attach before it, and the microphone. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Place } from '../data/control.ts';
import type { Message } from '../data/history.ts';
import { Icon } from '../desk/icons.tsx';
import { canRecord, type Recording, record } from '../voice/recorder.ts';
import { sendMurmur, sendRecorded } from './voice-note.ts';
import { lengthOf, wordsOf } from './wording.ts';

/** What the next text means besides itself. */
export type Intent =
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'edit'; readonly message: Message }
  | { readonly kind: 'ad' };

export interface ComposerProps {
  readonly place: Place;
  readonly business: string;
  readonly intent: Intent | null;
  readonly text: string;
  readonly field: RefObject<HTMLTextAreaElement>;
  readonly onText: (text: string) => void;
  readonly onSend: () => void;
  readonly onDrop: () => void;
  readonly onAttach: () => void;
  readonly onProblem: (words: string) => void;
}

const rowsMax = 6;

function IntentBar({ intent, business, onDrop }: { intent: Intent; business: string; onDrop: () => void }) {
  const title = {
    reply: () =>
      intent.kind === 'reply' && intent.message.direction === 'in'
        ? 'Reply to yourself'
        : `Reply to ${business}`,
    edit: () => 'Edit your message',
    ad: () => 'From an ad',
  }[intent.kind]();
  return (
    <div class="intent">
      <Icon name={intent.kind === 'ad' ? 'megaphone' : intent.kind} />
      <span class="lines">
        <strong>{title}</strong>
        <span>
          {intent.kind === 'ad' ? 'The next text says which ad it comes from' : wordsOf(intent.message)}
        </span>
      </span>
      <button type="button" class="round quiet" aria-label="Leave it" onClick={onDrop}>
        <Icon name="close" />
      </button>
    </div>
  );
}

interface RecordingBarProps {
  readonly onSend: () => void;
  readonly onCancel: () => void;
}

function RecordingBar({ onSend, onCancel }: RecordingBarProps) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds((before) => before + 1), 1_000);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <div class="composer recording">
      <button type="button" class="round quiet" aria-label="Discard the recording" onClick={onCancel}>
        <Icon name="trash" />
      </button>
      <span class="recording-time" role="timer">
        <span class="record-dot" /> Recording {lengthOf(seconds)}
      </span>
      <button
        type="button"
        class="round send"
        aria-label="Send voice note"
        data-autofocus=""
        onClick={onSend}
      >
        <Icon name="send" />
      </button>
    </div>
  );
}

/** Without a microphone, or when it is refused, the murmur is sent and the reason said. */
function useVoice(place: Place, onProblem: (words: string) => void) {
  const [recording, setRecording] = useState<Recording | null>(null);
  const running = useRef<Recording | null>(null);
  running.current = recording;
  useEffect(() => () => running.current?.cancel(), [place.phoneNumberId, place.contactId]);
  const tell = (error: unknown) => onProblem(error instanceof Error ? error.message : String(error));
  const begin = async () => {
    if (!canRecord()) {
      await sendMurmur(place);
      onProblem('This browser lends no microphone here, so a sample was sent.');
      return;
    }
    try {
      setRecording(await record());
    } catch {
      await sendMurmur(place);
      onProblem('The microphone is not allowed or not there, so a sample was sent.');
    }
  };
  const send = async () => {
    const file = await recording?.stop();
    setRecording(null);
    if (file) await sendRecorded(place, file);
  };
  return {
    isRecording: recording !== null,
    begin: () => void begin().catch(tell),
    send: () => void send().catch(tell),
    cancel() {
      recording?.cancel();
      setRecording(null);
    },
  };
}

export function Composer(props: ComposerProps) {
  const { place, business, intent, text, field, onText, onSend, onDrop, onAttach, onProblem } = props;
  const voice = useVoice(place, onProblem);
  const isEmpty = text.trim() === '';
  if (voice.isRecording) return <RecordingBar onSend={voice.send} onCancel={voice.cancel} />;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && intent) {
      event.stopPropagation();
      onDrop();
    }
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    onSend();
  };
  return (
    <>
      {intent && <IntentBar intent={intent} business={business} onDrop={onDrop} />}
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          onSend();
        }}
      >
        <button
          type="button"
          class="round quiet"
          aria-label="Attach"
          aria-haspopup="dialog"
          onClick={onAttach}
        >
          <Icon name="plus" />
        </button>
        <textarea
          ref={field}
          rows={Math.min(rowsMax, text.split('\n').length)}
          maxLength={4096}
          placeholder="Message"
          aria-label="Message"
          enterkeyhint="send"
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => onText(currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {isEmpty ? (
          <button type="button" class="round send" aria-label="Record a voice note" onClick={voice.begin}>
            <Icon name="mic" />
          </button>
        ) : (
          <button type="submit" class="round send" aria-label="Send">
            <Icon name="send" />
          </button>
        )}
      </form>
    </>
  );
}

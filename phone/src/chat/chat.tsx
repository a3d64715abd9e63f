/** One open chat: who it is with, its messages, and the field to write in, with the sheets that come up over them. */
import { useMemo, useRef, useState } from 'preact/hooks';
import { now } from '../data/clock.ts';
import type { PhoneNumber } from '../data/control.ts';
import type { Conversation } from '../data/conversations.ts';
import { speak } from '../data/outbox.ts';
import { Icon } from '../desk/icons.tsx';
import type { ChatActions } from './actions.ts';
import { Avatar } from './avatar.tsx';
import { Composer, type Intent } from './composer.tsx';
import { drafts } from './drafts.ts';
import { Log } from './log.tsx';
import { type OpenSheet, Sheets } from './sheets/sheets.tsx';
import { ViewerContext, WabaContext } from './viewer.ts';
import { timeOf } from './wording.ts';

interface HeadProps {
  readonly conversation: Conversation;
  readonly number: PhoneNumber;
  readonly onBack: () => void;
}

function Head({ conversation, number, onBack }: HeadProps) {
  const isTyping = conversation.isTyping.value;
  return (
    <header class="chat-head">
      <button type="button" class="round quiet back" aria-label="All chats" onClick={onBack}>
        <Icon name="back" />
      </button>
      <Avatar name={number.verifiedName} />
      <div class="chat-name">
        <h2>{number.verifiedName}</h2>
        <p class={`business-line${isTyping ? ' is-typing' : ''}`}>
          {isTyping ? 'typing…' : number.displayNumber}
        </p>
      </div>
    </header>
  );
}

/** After 24 hours of silence a business may only send templates; who waits for an answer should know. */
function WindowNote({ conversation }: { conversation: Conversation }) {
  const untilMs = conversation.windowUntilMs.value;
  if (untilMs === null || untilMs > now.value) return null;
  return (
    <p class="window-note">
      The business’s 24 hours to answer ended at {timeOf(untilMs)}. Until you write, only templates reach you.
    </p>
  );
}

function sayIntended(conversation: Conversation, intent: Intent | null, text: string): void {
  if (intent?.kind === 'edit') {
    speak(conversation, { type: 'edit', originalMessageId: intent.message.wamid, text });
  } else if (intent?.kind === 'ad') {
    speak(conversation, { type: 'text', text, referral: true });
  } else {
    const reply = intent === null ? {} : { replyTo: intent.message.wamid };
    speak(conversation, { type: 'text', text, ...reply });
  }
}

function reveal(root: HTMLElement | null, wamid: string): void {
  const row = root?.querySelector<HTMLElement>(`[data-wamid="${CSS.escape(wamid)}"]`);
  row?.scrollIntoView({ block: 'center' });
  row?.querySelector<HTMLElement>('.bubble')?.focus({ preventScroll: true });
}

function useChat(conversation: Conversation) {
  const root = useRef<HTMLElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(drafts.get(conversation.key) ?? '');
  const [intent, setIntent] = useState<Intent | null>(null);
  const [sheet, setSheet] = useState<OpenSheet | null>(null);
  const [problem, setProblem] = useState('');
  const write = (written: string) => {
    drafts.set(conversation.key, written);
    setText(written);
  };
  const intend = (next: Intent | null) => {
    setIntent(next);
    if (next?.kind === 'edit') write(next.message.text ?? '');
    // The sheet gives the focus back as it goes; the field takes it after that.
    requestAnimationFrame(() => field.current?.focus());
  };
  const send = () => {
    if (text.trim() === '') return;
    sayIntended(conversation, intent, text);
    setProblem('');
    setIntent(null);
    write('');
    field.current?.focus();
  };
  const actions = useMemo<ChatActions>(
    () => ({
      say: (said) => void speak(conversation, said),
      reply: (message) => intend({ kind: 'reply', message }),
      reveal: (wamid) => reveal(root.current, wamid),
      openMenu: (message) => setSheet({ kind: 'message', message }),
      openList: (message) => setSheet({ kind: 'list', message }),
      shareLocation: (replyTo) => setSheet({ kind: 'location', replyTo }),
    }),
    [conversation],
  );
  return { root, field, text, write, intent, intend, sheet, setSheet, problem, setProblem, send, actions };
}

export interface ChatProps {
  readonly conversation: Conversation;
  readonly number: PhoneNumber;
  readonly onBack: () => void;
}

export function Chat({ conversation, number, onBack }: ChatProps) {
  const chat = useChat(conversation);
  const business = number.verifiedName;
  return (
    <section
      class="chat"
      ref={chat.root}
      aria-label={`Chat with ${business}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        // From a message back to the field; from the field back to the chats.
        if (document.activeElement?.closest('.log')) chat.field.current?.focus();
        else onBack();
      }}
    >
      <WabaContext.Provider value={number.wabaId}>
        <ViewerContext.Provider
          value={(address, label) => chat.setSheet({ kind: 'picture', address, label })}
        >
          <div class="chat-inside" inert={chat.sheet !== null}>
            <Head conversation={conversation} number={number} onBack={onBack} />
            <Log conversation={conversation} business={business} actions={chat.actions} />
            <WindowNote conversation={conversation} />
            <p class="chat-problem" role="alert">
              {chat.problem}
            </p>
            <Composer
              place={conversation}
              business={business}
              intent={chat.intent}
              text={chat.text}
              field={chat.field}
              onText={chat.write}
              onSend={chat.send}
              onDrop={() => {
                if (chat.intent?.kind === 'edit') chat.write('');
                chat.intend(null);
              }}
              onAttach={() => chat.setSheet({ kind: 'attach' })}
              onProblem={chat.setProblem}
            />
          </div>
        </ViewerContext.Provider>
      </WabaContext.Provider>
      {chat.sheet && (
        <Sheets
          sheet={chat.sheet}
          conversation={conversation}
          text={chat.text}
          open={chat.setSheet}
          intend={chat.intend}
          onTaken={() => chat.write('')}
          onProblem={chat.setProblem}
        />
      )}
    </section>
  );
}

/**
 * The open conversation on the screen. It keeps to its end while a person reads there, and leaves them in peace when they
 * scrolled up. What was drawn for a message is kept for as long as nothing about it changes.
 */
import type { VNode } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { now } from '../data/clock.ts';
import type { Conversation } from '../data/conversations.ts';
import type { Message } from '../data/history.ts';
import { Icon } from '../desk/icons.tsx';
import type { ChatActions } from './actions.ts';
import { Bubble } from './bubble.tsx';
import { isMark, type Marks, marksOf } from './marks.ts';
import { dayKeyOf, dayOf } from './wording.ts';

const nearEndPx = 80;
/** Messages closer than this belong together. */
const groupMs = 5 * 60_000;

interface Drawn {
  readonly message: Message;
  readonly isFirst: boolean;
  readonly quoted: Message | undefined;
  readonly marks: Marks | undefined;
  readonly vnode: VNode;
}

interface Rows {
  readonly nodes: VNode[];
  readonly drawn: ReadonlyMap<string, Drawn>;
  readonly marks: ReadonlyMap<string, Marks>;
}

const noRows: Rows = { nodes: [], drawn: new Map(), marks: new Map() };

function startsGroup(message: Message, before: Message | undefined): boolean {
  return (
    before?.direction !== message.direction ||
    dayKeyOf(before.atMs) !== dayKeyOf(message.atMs) ||
    message.atMs - before.atMs > groupMs
  );
}

function rowsOf(messages: readonly Message[], before: Rows, business: string, actions: ChatActions): Rows {
  const marks = marksOf(messages, before.marks);
  const byWamid = new Map(messages.map((message) => [message.wamid, message]));
  const drawn = new Map<string, Drawn>();
  const nodes: VNode[] = [];
  let last: Message | undefined;
  for (const message of messages) {
    if (isMark(message)) continue;
    if (last === undefined || dayKeyOf(last.atMs) !== dayKeyOf(message.atMs)) {
      nodes.push(
        <div class="day" key={`day ${dayKeyOf(message.atMs)}`}>
          <span>{dayOf(message.atMs, now.peek())}</span>
        </div>,
      );
    }
    const found = {
      message,
      isFirst: startsGroup(message, last),
      quoted: message.replyTo === null ? undefined : byWamid.get(message.replyTo),
      marks: marks.get(message.wamid),
    };
    const known = before.drawn.get(message.wamid);
    const isSame =
      known?.message === message &&
      known.isFirst === found.isFirst &&
      known.quoted === found.quoted &&
      known.marks === found.marks;
    const vnode = isSame ? (
      known.vnode
    ) : (
      <Bubble key={message.wamid} {...found} business={business} actions={actions} />
    );
    drawn.set(message.wamid, { ...found, vnode });
    nodes.push(vnode);
    last = message;
  }
  return { nodes, drawn, marks };
}

function Typing() {
  return (
    <div class="row from-business first typing" key="typing">
      <div class="bubble">
        <span class="unseen">typing</span>
        <span class="dot" />
        <span class="dot" />
        <span class="dot" />
      </div>
    </div>
  );
}

const suggestions = ['Hello!', 'When are you open?', 'What does it cost?', 'Can I talk to a person?'];

function Welcome({ business, actions }: { business: string; actions: ChatActions }) {
  return (
    <div class="welcome">
      <p>No messages with {business} yet. Write something, or begin with:</p>
      <div class="suggestions">
        {suggestions.map((text) => (
          <button type="button" key={text} onClick={() => actions.say({ type: 'text', text })}>
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Arrow keys move between messages; what has the focus can be replied to and reacted to. */
function moveFocus(event: KeyboardEvent, log: HTMLElement): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined) return;
  const bubbles = [...log.querySelectorAll<HTMLElement>('.row:not(.typing) > .bubble')];
  const at = bubbles.indexOf(document.activeElement as HTMLElement);
  if (at < 0 && event.target !== log) return;
  const next = at < 0 ? bubbles.at(step < 0 ? -1 : 0) : bubbles[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

function useEnd(conversation: Conversation, shown: readonly Message[]) {
  const log = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const wasNearEnd = useRef(true);
  const known = useRef<ReadonlySet<string>>(new Set());
  const [unseen, setUnseen] = useState(0);
  const isNearEnd = () => {
    const element = log.current;
    return !element || element.scrollHeight - element.scrollTop - element.clientHeight < nearEndPx;
  };
  const toEnd = (behavior: ScrollBehavior = 'instant') => {
    log.current?.scrollTo({ top: log.current.scrollHeight, behavior });
    wasNearEnd.current = true;
    setUnseen(0);
  };
  useLayoutEffect(() => {
    const added = shown.filter(({ wamid }) => !known.current.has(wamid));
    known.current = new Set(shown.map(({ wamid }) => wamid));
    if (added.length === 0) return;
    const hasOwn = added.some(({ direction, pending }) => direction === 'in' && pending !== undefined);
    if (wasNearEnd.current || hasOwn || added.length === shown.length) toEnd();
    else setUnseen((count) => count + added.filter((message) => !isMark(message)).length);
  }, [shown]);
  useLayoutEffect(() => {
    if (!log.current || !content.current) return;
    // Pictures that come, a keyboard that opens, a window that is drawn smaller: the end stays in sight.
    const observer = new ResizeObserver(() => {
      if (wasNearEnd.current) toEnd();
    });
    observer.observe(log.current);
    observer.observe(content.current);
    return () => observer.disconnect();
  }, [conversation]);
  const onScroll = () => {
    wasNearEnd.current = isNearEnd();
    if (wasNearEnd.current) setUnseen(0);
  };
  return { log, content, unseen, toEnd, onScroll };
}

export interface LogProps {
  readonly conversation: Conversation;
  readonly business: string;
  readonly actions: ChatActions;
}

export function Log({ conversation, business, actions }: LogProps) {
  const shown = conversation.messages.value;
  const rows = useRef<Rows>(noRows);
  useMemo(() => {
    rows.current = rowsOf(shown, rows.current, business, actions);
  }, [shown, business, actions]);
  const { log, content, unseen, toEnd, onScroll } = useEnd(conversation, shown);
  const isEmpty = conversation.isLoaded.value && rows.current.nodes.length === 0;
  return (
    <div class="log-frame">
      <div
        ref={log}
        class="log"
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        aria-label={`Messages with ${business}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={(event) => moveFocus(event, event.currentTarget)}
      >
        <div class="rows" ref={content}>
          {isEmpty ? <Welcome business={business} actions={actions} /> : rows.current.nodes}
          {conversation.isTyping.value && <Typing />}
        </div>
      </div>
      <button type="button" class="to-end" hidden={unseen === 0} onClick={() => toEnd('smooth')}>
        <Icon name="down" />
        <span>{unseen === 1 ? '1 new message' : `${unseen} new messages`}</span>
      </button>
    </div>
  );
}

/**
 * One message: the bubble with its content, what stands under it, and what a person can do with it. The same message object
 * always looks the same, so the list keeps what was drawn for it.
 */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Message } from '../data/history.ts';
import { speakAgain } from '../data/outbox.ts';
import { selectedWamid } from '../data/selection.ts';
import { Icon } from '../desk/icons.tsx';
import type { ChatActions } from './actions.ts';
import { Choices } from './content/choices.tsx';
import { Content, hasOwnFrame } from './content/content.tsx';
import type { Marks } from './marks.ts';
import { readText } from './reading.ts';
import { useSwipe } from './swipe.ts';
import { exactTimeOf, failureOf, tickOf, timeOf, wordsOf } from './wording.ts';

export interface BubbleProps {
  readonly message: Message;
  readonly isFirst: boolean;
  readonly business: string;
  readonly quoted: Message | undefined;
  readonly marks: Marks | undefined;
  readonly actions: ChatActions;
}

export function Tick({ message }: { message: Message }) {
  const { tick, label } = tickOf(message);
  return (
    <span class="tick" role="img" data-tick={tick} title={label} aria-label={label}>
      <Icon name={tick} key={tick} />
    </span>
  );
}

function Quote({ quoted, business, onShow }: { quoted: Message; business: string; onShow: () => void }) {
  return (
    <button type="button" class="quote" onClick={onShow}>
      <strong>{quoted.direction === 'in' ? 'You' : business}</strong>
      <span>{wordsOf(quoted)}</span>
    </button>
  );
}

function Origin({ message }: { message: Message }) {
  const { forwarded, referral } = message;
  return (
    <>
      {forwarded && (
        <span class="forwarded">
          <Icon name="forward" /> Forwarded
        </span>
      )}
      {referral && (
        <span class="referral">
          <Icon name="megaphone" />
          <span>
            <strong>{readText(referral.headline) ?? 'From an ad'}</strong>
            <span>{readText(referral.body) ?? readText(referral.source_url) ?? ''}</span>
          </span>
        </span>
      )}
    </>
  );
}

function Reactions({ marks }: { marks: Marks }) {
  const shown = [
    ...(marks.mine ? [{ emoji: marks.mine, who: 'you' }] : []),
    ...(marks.theirs ? [{ emoji: marks.theirs, who: 'the business' }] : []),
  ];
  if (shown.length === 0) return null;
  const label = shown.map(({ emoji, who }) => `${emoji} by ${who}`).join(', ');
  return (
    <span class="reactions" role="img" aria-label={`Reactions: ${label}`}>
      {[...new Set(shown.map(({ emoji }) => emoji))].join('')}
      {shown.length === 2 && shown[0]?.emoji === shown[1]?.emoji ? ' 2' : ''}
    </span>
  );
}

function Words({ message, marks }: { message: Message; marks: Marks | undefined }) {
  if (marks?.isRevoked) return <span class="words gone">You deleted this message</span>;
  const edited = marks?.editedText;
  const shown =
    edited === undefined ? message : { ...message, type: 'text', text: edited, body: { body: edited } };
  return <Content message={shown} />;
}

function Notes({ message }: { message: Message }) {
  if (message.pending === 'refused') {
    return (
      <>
        <button type="button" class="retry" onClick={() => speakAgain(message.wamid)}>
          Not sent. Try again
        </button>
        {message.problem && <span class="failure">{message.problem}</span>}
      </>
    );
  }
  if (message.direction === 'in' || message.status !== 'failed') return null;
  return <span class="failure">{failureOf(message)}</span>;
}

function Frame({
  message,
  isFirst,
  children,
}: {
  message: Message;
  isFirst: boolean;
  children: ComponentChildren;
}) {
  const side = message.direction === 'in' ? 'from-customer' : 'from-business';
  const isSelected = selectedWamid.value === message.wamid;
  return (
    <div
      class={`row ${side}${isFirst ? ' first' : ''}`}
      data-wamid={message.wamid}
      data-selected={isSelected ? '' : undefined}
    >
      {children}
    </div>
  );
}

export function Bubble({ message, isFirst, business, quoted, marks, actions }: BubbleProps) {
  const bubble = useRef<HTMLDivElement>(null);
  const swipe = useSwipe(() => actions.reply(message));
  const isMine = message.direction === 'in';
  const openMenu = () => {
    if (bubble.current && !message.pending) actions.openMenu(message, bubble.current);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== bubble.current) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      openMenu();
    } else if (event.key === 'r') {
      event.preventDefault();
      actions.reply(message);
    }
  };
  const isPlain = hasOwnFrame(message) && !marks?.isRevoked;
  return (
    <Frame message={message} isFirst={isFirst}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: each has a menu button besides; the keys are short cuts */}
      <div
        ref={bubble}
        class={`bubble${isPlain ? ' bare' : ''}`}
        tabIndex={-1}
        data-failed={tickOf(message).tick === 'failed' ? '' : undefined}
        onKeyDown={onKeyDown}
        onContextMenu={(event) => {
          event.preventDefault();
          openMenu();
        }}
        {...swipe}
      >
        <span class="unseen">{isMine ? 'You: ' : `${business}: `}</span>
        <Origin message={message} />
        {message.isEcho && <span class="forwarded">Written by the owner by hand</span>}
        {quoted && <Quote quoted={quoted} business={business} onShow={() => actions.reveal(quoted.wamid)} />}
        <Words message={message} marks={marks} />
        <span class="meta">
          {marks?.editedText !== undefined && <span>edited</span>}
          <time dateTime={new Date(message.atMs).toISOString()} title={exactTimeOf(message.atMs)}>
            {timeOf(message.atMs)}
          </time>
          <Tick message={message} />
        </span>
        <button
          type="button"
          class="more"
          tabIndex={-1}
          aria-label="Message menu"
          aria-haspopup="menu"
          onClick={openMenu}
        >
          <Icon name="chevron" />
        </button>
        {marks && <Reactions marks={marks} />}
      </div>
      <Choices message={message} actions={actions} />
      <Notes message={message} />
    </Frame>
  );
}

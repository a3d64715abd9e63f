/**
 * The open conversation on the screen. Each message has one element for its whole life, found by its id, so a new tick
 * changes one icon and the log announces new messages only. It keeps to the end while a person reads there, and leaves
 * them in peace when they scrolled up.
 */
import { tickOf } from './conversation.js';
import { byId, drawing, make } from './elements.js';
import { choicesOf, colourOf, dayKeyOf, dayOf, exactTimeOf, initialsOf, timeOf, wordsOf } from './wording.js';

/**
 * @typedef {import('./api.js').Message} Message
 * @typedef {{ type: 'buttonReply' | 'listReply', id: string, title: string, replyTo: string }} Choice
 */

const nearEndPx = 80;
/** Messages closer than this belong together. */
const groupMs = 5 * 60_000;
const suggestions = ['Hello!', 'When are you open?', 'What does it cost?', 'Can I talk to a person?'];

/**
 * @param {{ onSay: (text: string) => void, onChoose: (choice: Choice) => void, onRetry: (wamid: string) => void }} actions
 */
export function createChatView({ onSay, onChoose, onRetry }) {
  const log = byId('log');
  const toEnd = byId('to-end');
  /** @type {Map<string, { bubble: HTMLElement, tick: HTMLElement }>} */
  const shown = new Map();
  /** @type {Message[]} */
  let messages = [];
  let business = '';
  let unseen = 0;
  const typing = make('div', { className: 'row from-business first typing' }, [
    make('div', { className: 'bubble' }, [
      make('span', { className: 'unseen', text: 'typing' }),
      make('span', { className: 'dot' }),
      make('span', { className: 'dot' }),
      make('span', { className: 'dot' }),
    ]),
  ]);

  toEnd.prepend(drawing('down'));
  toEnd.addEventListener('click', () => scrollToEnd('smooth'));
  log.addEventListener('scroll', () => {
    if (isNearEnd()) forgetUnseen();
  });
  new ResizeObserver(() => {
    if (wasNearEnd) scrollToEnd();
  }).observe(log);
  let wasNearEnd = true;
  log.addEventListener('scroll', () => {
    wasNearEnd = isNearEnd();
  });

  const isNearEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < nearEndPx;

  function scrollToEnd(/** @type {ScrollBehavior} */ behavior = 'instant') {
    log.scrollTo({ top: log.scrollHeight, behavior });
    forgetUnseen();
  }

  function forgetUnseen() {
    unseen = 0;
    toEnd.hidden = true;
  }

  /** @param {Message} message */
  function setTick(
    { wamid },
    /** @type {HTMLElement} */ tick,
    /** @type {ReturnType<typeof tickOf>} */ { tick: name, label },
  ) {
    if (tick.dataset.tick === name && tick.title === label) return;
    tick.dataset.tick = name;
    tick.title = label;
    tick.setAttribute('aria-label', label);
    tick.replaceChildren(drawing(name));
    shown.get(wamid)?.bubble.toggleAttribute('data-failed', name === 'failed');
  }

  /** @param {Message} message @param {Message | undefined} before */
  function rowOf(message, before) {
    const isMine = message.direction === 'in';
    const isFirst =
      before?.direction !== message.direction ||
      dayKeyOf(before.atMs) !== dayKeyOf(message.atMs) ||
      message.atMs - before.atMs > groupMs;
    const tick = make('span', { className: 'tick', role: 'img' });
    const time = make('time', {
      datetime: new Date(message.atMs).toISOString(),
      title: exactTimeOf(message.atMs),
      text: timeOf(message.atMs),
    });
    const isPlain = ['text', 'interactive', 'button'].includes(message.type);
    const bubble = make('div', { className: 'bubble' }, [
      make('span', { className: 'unseen', text: isMine ? 'You: ' : `${business}: ` }),
      ...quoteOf(message),
      make('span', { className: isPlain ? 'words' : 'words other', text: wordsOf(message) }),
      make('span', { className: 'meta' }, [time, tick]),
    ]);
    shown.set(message.wamid, { bubble, tick });
    setTick(message, tick, tickOf(message));
    const row = make('div', {
      className: `row ${isMine ? 'from-customer' : 'from-business'}${isFirst ? ' first' : ''}`,
    });
    row.append(bubble, ...choicesRow(message), ...retryRow(message));
    return row;
  }

  /** @param {Message} message */
  function quoteOf({ replyTo }) {
    const quoted = replyTo === null ? undefined : messages.find(({ wamid }) => wamid === replyTo);
    if (!quoted) return [];
    const who = quoted.direction === 'in' ? 'You' : business;
    return [
      make('span', { className: 'quote' }, [
        make('strong', { text: who }),
        make('span', { text: wordsOf(quoted) }),
      ]),
    ];
  }

  /** @param {Message} message */
  function choicesRow(message) {
    const choices = choicesOf(message);
    if (choices.length === 0) return [];
    const buttons = choices.map(({ type, id, title, description }) => {
      const button = make('button', { type: 'button', title: description, text: title });
      button.addEventListener('click', () => onChoose({ type, id, title, replyTo: message.wamid }));
      return button;
    });
    return [make('div', { className: 'choices' }, buttons)];
  }

  /** @param {Message} message */
  function retryRow({ pending, wamid }) {
    if (pending !== 'refused') return [];
    const button = make('button', { type: 'button', className: 'retry', text: 'Not sent. Try again' });
    button.addEventListener('click', () => onRetry(wamid));
    return [button];
  }

  function welcome() {
    const chips = suggestions.map((text) => {
      const chip = make('button', { type: 'button', text });
      chip.addEventListener('click', () => onSay(text));
      return chip;
    });
    return make('div', { className: 'welcome' }, [
      make('p', { text: `No messages with ${business} yet. Write something, or begin with:` }),
      make('div', { className: 'suggestions' }, chips),
    ]);
  }

  function draw() {
    shown.clear();
    /** @type {HTMLElement[]} */
    const rows = [];
    messages.forEach((message, at) => {
      const before = messages[at - 1];
      if (!before || dayKeyOf(before.atMs) !== dayKeyOf(message.atMs)) {
        rows.push(make('div', { className: 'day' }, [make('span', { text: dayOf(message.atMs) })]));
      }
      rows.push(rowOf(message, before));
    });
    if (messages.length === 0 && business) rows.push(welcome());
    if (typing.isConnected) rows.push(typing);
    log.replaceChildren(...rows);
  }

  /** True where the new list only goes on from the one that is shown. */
  const isContinued = (/** @type {Message[]} */ next) =>
    messages.length > 0 &&
    next.length >= messages.length &&
    messages.every(({ wamid, pending }, at) => next[at]?.wamid === wamid && next[at]?.pending === pending);

  return {
    /**
     * @param {{ name: string, line: string }} shownBusiness
     */
    setBusiness({ name, line }) {
      business = name;
      byId('business-name').textContent = name;
      byId('business-line').textContent = line;
      const avatar = byId('business-avatar');
      avatar.textContent = initialsOf(name);
      avatar.dataset.colour = String(colourOf(name));
      log.setAttribute('aria-label', `Messages with ${name}`);
    },

    /** Another conversation: everything anew, at its end. @param {Message[]} list */
    open(list) {
      messages = list.map((message) => ({ ...message }));
      draw();
      scrollToEnd();
    },

    /** The same conversation after a change. @param {Message[]} list */
    update(list) {
      const wasAtEnd = isNearEnd();
      const added = list.filter(({ wamid }) => !shown.has(wamid));
      const hasNewOwn = added.some(({ direction }) => direction === 'in');
      if (isContinued(list)) {
        const from = messages.length;
        const dayBefore = dayKeyOf(/** @type {Message} */ (messages.at(-1)).atMs);
        messages = list.map((message) => ({ ...message }));
        let lastDay = dayBefore;
        for (const [at, message] of messages.entries()) {
          if (at < from) continue;
          if (dayKeyOf(message.atMs) !== lastDay) {
            lastDay = dayKeyOf(message.atMs);
            log.append(make('div', { className: 'day' }, [make('span', { text: dayOf(message.atMs) })]));
          }
          log.append(rowOf(message, messages[at - 1]));
        }
        if (typing.isConnected) log.append(typing);
      } else {
        messages = list.map((message) => ({ ...message }));
        draw();
      }
      for (const message of messages) {
        const element = shown.get(message.wamid);
        if (element) setTick(message, element.tick, tickOf(message));
      }
      if (wasAtEnd || hasNewOwn) return scrollToEnd();
      unseen += added.length;
      if (unseen > 0) {
        byId('to-end-text').textContent = unseen === 1 ? '1 new message' : `${unseen} new messages`;
        toEnd.hidden = false;
      }
    },

    /** @param {boolean} isTyping @param {string} line */
    setTyping(isTyping, line) {
      byId('business-line').textContent = isTyping ? 'typing…' : line;
      byId('business-line').classList.toggle('is-typing', isTyping);
      if (isTyping === typing.isConnected) return;
      const wasAtEnd = isNearEnd();
      if (isTyping) log.append(typing);
      else typing.remove();
      if (wasAtEnd) scrollToEnd();
    },
  };
}

/**
 * The phone page: holds what is chosen, keeps it in step with the simulator, and hands it to the views.
 *
 * Connecting is always the same: note the newest event, read everything, then listen from that event on. So a page that
 * lost its connection, or finds another simulator there, needs no rule of its own. What a person writes meanwhile is
 * kept and sent with the id it was given at first, so sending it again says it once.
 */
import * as api from './api.js';
import { createChatView } from './chat-view.js';
import { Conversation, messageOf, pendingMessage } from './conversation.js';
import { byId, drawing } from './elements.js';
import { createCustomers, createNewCustomer, createTabs } from './people-view.js';
import { createStatusView } from './status-view.js';

/**
 * @typedef {import('./api.js').SimulatorEvent} SimulatorEvent
 * @typedef {import('./api.js').Message} Message
 */

const reconnectMs = 1_000;
const gatherMs = 120;
const typingMsMax = 25_000;
/** Enough to know how the server does when the page opens. */
const eventsBefore = 200;

/** @type {import('./api.js').PhoneNumber[]} */
let numbers = [];
/** @type {import('./api.js').Contact[]} */
let contacts = [];
/** @type {Map<string, Message>} The last message with each customer of the chosen business. */
let lastMessages = new Map();
/** @type {Map<string, number>} */
const unread = new Map();
/** @type {Map<string, Conversation>} What is open or has something to send. */
const conversations = new Map();
/** @type {Conversation | null} */
let open = null;
let typingTimer = 0;
/** Ids of messages on their way to the simulator. @type {Set<string>} */
const underWay = new Set();
/** What happened since each reading of a history began: it may be newer than what was read. @type {Set<SimulatorEvent[]>} */
const sinceAsked = new Set();

const keyOf = (/** @type {string} */ phoneNumberId, /** @type {string} */ contactId) =>
  `${phoneNumberId} ${contactId}`;
const status = createStatusView();
const tabs = createTabs({ onPick: (id) => choose(id, open?.contactId) });
const customers = createCustomers({ onPick: (id) => choose(open?.phoneNumberId, id) });
const chat = createChatView({
  onSay: (text) => write(text),
  onChoose: ({ type, id, title, replyTo }) => {
    if (!open) return;
    const { phoneNumberId, contactId } = open;
    api.say({ phoneNumberId, contact: contactId, type, id, title, replyTo }).catch(() => {});
  },
  onRetry: (wamid) => {
    const message = open?.get(wamid);
    if (open && message) deliver(open, message);
  },
});
createNewCustomer({
  countOf: () => contacts.length,
  onAdd: async (spec) => {
    const contact = await api.addContact(spec);
    contacts = await api.getContacts();
    return contact.id;
  },
  onAdded: (contactId) => choose(open?.phoneNumberId, contactId),
});

// --- what is chosen -----------------------------------------------------------------------------------------------

/** The choice stands in the address, so that a reload or a second window keeps it. */
function chosenInAddress() {
  const [number, contact] = location.hash.slice(1).split('/').map(decodeURIComponent);
  return { number, contact };
}

/**
 * @param {string | undefined} number
 * @param {string | undefined} contact
 */
async function choose(number, contact) {
  const phoneNumberId = (numbers.find(({ id }) => id === number) ?? numbers[0])?.id;
  const contactId = (contacts.find(({ id }) => id === contact) ?? contacts[0])?.id;
  if (!phoneNumberId || !contactId) return;
  const isSameNumber = open?.phoneNumberId === phoneNumberId;
  open = conversationAt(phoneNumberId, contactId);
  const chosen = open;
  history.replaceState(null, '', `#${encodeURIComponent(phoneNumberId)}/${encodeURIComponent(contactId)}`);
  if (!isSameNumber) lastMessages = new Map();
  unread.delete(keyOf(phoneNumberId, contactId));
  chat.setBusiness({ name: businessOf(phoneNumberId)?.verifiedName ?? '', line: lineOf() });
  showTyping(0);
  drawPeople();
  /** @type {SimulatorEvent[]} */
  const since = [];
  sinceAsked.add(since);
  const [read, listed] = await Promise.all([
    api.getMessages(phoneNumberId, contactId),
    api.getConversations(phoneNumberId),
  ]).finally(() => sinceAsked.delete(since));
  if (open !== chosen) return;
  lastMessages = new Map(
    listed.flatMap(({ contact: { id }, lastMessage }) => (lastMessage ? [[id, lastMessage]] : [])),
  );
  chosen.replace(read.messages);
  for (const event of since) chosen.applyEvent(event);
  chat.open(chosen.list());
  showTyping(read.typingUntilMs - Date.now());
  drawPeople();
}

/** @param {string} phoneNumberId @param {string} contactId */
function conversationAt(phoneNumberId, contactId) {
  const key = keyOf(phoneNumberId, contactId);
  const found = conversations.get(key) ?? new Conversation({ phoneNumberId, contactId });
  conversations.set(key, found);
  return found;
}

const businessOf = (/** @type {string} */ phoneNumberId) => numbers.find(({ id }) => id === phoneNumberId);
const lineOf = () => businessOf(open?.phoneNumberId ?? '')?.displayNumber ?? '';

function drawPeople() {
  if (!open) return;
  const { phoneNumberId, contactId } = open;
  const sumOf = (/** @type {string} */ id) =>
    [...unread].filter(([key]) => key.startsWith(`${id} `)).reduce((sum, [, count]) => sum + count, 0);
  tabs.draw({ numbers, chosen: phoneNumberId, unreadOf: (id) => (id === phoneNumberId ? 0 : sumOf(id)) });
  customers.draw({
    contacts,
    chosen: contactId,
    lastOf: (id) => lastMessages.get(id),
    unreadOf: (id) => unread.get(keyOf(phoneNumberId, id)) ?? 0,
  });
  document.title = `${businessOf(phoneNumberId)?.verifiedName ?? ''} · Nightdesk phone`;
}

// --- writing ------------------------------------------------------------------------------------------------------

/** @param {string} text */
function write(text) {
  if (!open || text.trim() === '') return;
  const message = pendingMessage({ text, atMs: Date.now() });
  open.add(message);
  chat.update(open.list());
  deliver(open, message);
}

/** @param {Conversation} conversation @param {Message} message */
async function deliver(conversation, message) {
  const { phoneNumberId, contactId } = conversation;
  if (underWay.has(message.wamid)) return;
  underWay.add(message.wamid);
  message.pending = 'sending';
  try {
    const { said } = await api.say({
      phoneNumberId,
      contact: contactId,
      type: 'text',
      text: message.text,
      wamid: message.wamid,
    });
    if (conversation.get(message.wamid)?.pending) {
      conversation.add({ ...message, pending: undefined, atMs: said.atMs });
    }
  } catch (error) {
    // Without a connection it waits and is tried again.
    if (error instanceof api.Refused) message.pending = 'refused';
    else deliverLater();
  } finally {
    underWay.delete(message.wamid);
  }
  if (conversation === open) chat.update(conversation.list());
}

async function deliverWaiting() {
  for (const conversation of conversations.values()) {
    for (const message of conversation.list()) {
      if (message.pending === 'sending') deliver(conversation, message);
    }
  }
}

const field = /** @type {HTMLTextAreaElement} */ (byId('text'));
const composer = byId('composer');
composer.querySelector('.send')?.append(drawing('send'));
composer.addEventListener('submit', (event) => {
  event.preventDefault();
  write(field.value);
  field.value = '';
  fitField();
  field.focus();
});
field.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  /** @type {HTMLFormElement} */ (composer).requestSubmit();
});
field.addEventListener('input', fitField);

/** As high as its lines, up to what the style sheet allows. */
function fitField() {
  field.rows = Math.min(6, field.value.split('\n').length);
}

// --- what happens -------------------------------------------------------------------------------------------------

/** @param {SimulatorEvent} event */
function onEvent(event) {
  status.note(event);
  for (const since of sinceAsked) since.push(event);
  if (event.kind.startsWith('webhook') || event.kind === 'said') countWaiting();
  if (event.kind === 'settingsChanged' || event.kind.startsWith('contact')) readPeople();
  for (const conversation of conversations.values()) {
    if (conversation.applyEvent(event) && conversation === open) chat.update(conversation.list());
  }
  if (open?.isPlaceOf(event)) {
    if (event.kind === 'typing') showTyping(event.untilMs - event.atMs);
    if (event.kind === 'sendAccepted' || event.kind === 'echoed') showTyping(0);
  }
  if (['said', 'sendAccepted', 'echoed'].includes(event.kind)) noteMessage(event);
  else if (open && ['webhookAnswered', 'readReceipt'].includes(event.kind)) refreshPreview(open);
}

/** @param {SimulatorEvent} event */
function noteMessage(event) {
  const { phoneNumberId, contactId, kind } = event;
  if (!open || contactId === null) return;
  if (phoneNumberId === open.phoneNumberId) lastMessages.set(contactId, messageOf(event));
  if (kind !== 'said' && !open.isPlaceOf(event)) {
    const key = keyOf(phoneNumberId, contactId);
    unread.set(key, (unread.get(key) ?? 0) + 1);
  }
  drawPeople();
}

/** @param {Conversation} conversation */
function refreshPreview({ contactId }) {
  const last = open?.list().findLast(({ pending }) => !pending);
  if (!last) return;
  lastMessages.set(contactId, last);
  drawPeople();
}

/** @param {number} forMs 0 ends it. */
function showTyping(forMs) {
  clearTimeout(typingTimer);
  chat.setTyping(forMs > 0, lineOf());
  if (forMs > 0) typingTimer = setTimeout(() => showTyping(0), Math.min(forMs, typingMsMax));
}

/** @param {() => Promise<void>} work @param {number} [afterMs] */
function gathered(work, afterMs = gatherMs) {
  let timer = 0;
  return () => {
    if (timer !== 0) return;
    timer = setTimeout(() => {
      timer = 0;
      work().catch(() => {});
    }, afterMs);
  };
}

const deliverLater = gathered(deliverWaiting, reconnectMs);

const countWaiting = gathered(async () => status.setWaiting((await api.getCounters()).waiting));

const readPeople = gathered(async () => {
  [numbers, contacts] = await Promise.all([api.getNumbers(), api.getContacts()]);
  if (open) drawPeople();
  else await choose(chosenInAddress().number, chosenInAddress().contact);
});

// --- connecting ---------------------------------------------------------------------------------------------------

async function connect() {
  try {
    const lastSeq = await api.getLastSeq();
    [numbers, contacts] = await Promise.all([api.getNumbers(), api.getContacts()]);
    for (const event of await api.getLog(Math.max(0, lastSeq - eventsBefore))) {
      if (event.seq <= lastSeq) status.note(event);
    }
    const { number, contact } = chosenInAddress();
    await choose(number, contact);
    countWaiting();
    api.listen({
      after: lastSeq,
      onOpen: () => {
        status.setConnected(true);
        deliverWaiting();
      },
      onEvent,
      onLost: connectLater,
    });
  } catch {
    connectLater();
  }
}

function connectLater() {
  status.setConnected(false);
  setTimeout(connect, reconnectMs);
}

window.addEventListener('hashchange', () => {
  const { number, contact } = chosenInAddress();
  choose(number, contact).catch(() => {});
});
connect();

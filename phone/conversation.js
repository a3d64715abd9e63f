/**
 * What one conversation looks like, as data: messages in order, and what an event changes in them. Nothing here touches
 * the page. To show a new kind of event, add it to `applyEvent`.
 */

/**
 * @typedef {import('./api.js').Message} Message
 * @typedef {import('./api.js').SimulatorEvent} SimulatorEvent
 * @typedef {'clock' | 'sent' | 'delivered' | 'read' | 'failed'} Tick
 */

const rank = { accepted: 0, failed: 1, sent: 1, delivered: 2, read: 3, played: 4 };

/** One conversation on the screen. */
export class Conversation {
  /** @type {Map<string, Message>} */
  #messages = new Map();

  /** @param {{ phoneNumberId: string, contactId: string }} place */
  constructor({ phoneNumberId, contactId }) {
    this.phoneNumberId = phoneNumberId;
    this.contactId = contactId;
  }

  /** @returns {Message[]} In the order of their times; what is not sent yet comes last. */
  list() {
    const all = [...this.#messages.values()];
    return [...all.filter(({ pending }) => !pending), ...all.filter(({ pending }) => pending)];
  }

  /** @param {string} wamid */
  get(wamid) {
    return this.#messages.get(wamid);
  }

  /** @param {Message} message */
  add(message) {
    // A message that was waiting to be sent moves to where it really was said.
    if (this.#messages.get(message.wamid)?.pending && !message.pending) this.#messages.delete(message.wamid);
    this.#messages.set(message.wamid, message);
  }

  /**
   * The history as the simulator has it; what it does not have yet stays.
   * @param {readonly Message[]} messages
   */
  replace(messages) {
    const waiting = this.list().filter(({ pending }) => pending);
    this.#messages = new Map(messages.map((message) => [message.wamid, message]));
    for (const message of waiting) if (!this.#messages.has(message.wamid)) this.add(message);
  }

  /** @param {SimulatorEvent} event */
  isPlaceOf(event) {
    return event.phoneNumberId === this.phoneNumberId && event.contactId === this.contactId;
  }

  /**
   * Takes in what happened; true if something here changed.
   * @param {SimulatorEvent} event
   * @returns {boolean}
   */
  applyEvent(event) {
    if (event.kind === 'webhookAnswered') return this.#acknowledge(event);
    if (!this.isPlaceOf(event)) return false;
    if (event.kind === 'said' || event.kind === 'sendAccepted' || event.kind === 'echoed') {
      return this.#arrive(event);
    }
    if (event.kind === 'status') return this.#raise(event);
    if (event.kind === 'readReceipt') return this.#markRead(event);
    return false;
  }

  /** @param {SimulatorEvent} event */
  #arrive(event) {
    const known = this.#messages.get(event.wamid);
    if (known && !known.pending) return false;
    this.add(messageOf(event));
    return true;
  }

  /** @param {SimulatorEvent} event */
  #acknowledge({ subjects, atMs }) {
    let changed = false;
    for (const { wamid, status } of subjects) {
      const message = wamid && status === null ? this.#messages.get(wamid) : undefined;
      if (!message || message.direction === 'out' || message.acknowledgedAtMs !== null) continue;
      message.acknowledgedAtMs = atMs;
      changed = true;
    }
    return changed;
  }

  /** @param {SimulatorEvent} event */
  #raise({ wamid, status, code }) {
    const message = this.#messages.get(wamid);
    if (!message || !(status in rank)) return false;
    const reached = /** @type {import('./api.js').Status} */ (status);
    if (rank[reached] <= rank[message.status]) return false;
    message.status = reached;
    message.errorCode = code;
    return true;
  }

  /**
   * Reading a message reads all before it.
   * @param {SimulatorEvent} event
   */
  #markRead({ wamid, atMs }) {
    const read = this.#messages.get(wamid);
    if (!read) return false;
    for (const message of this.#messages.values()) {
      if (message.direction === 'in' && !message.pending && message.atMs <= read.atMs) {
        message.readAtMs ??= atMs;
      }
    }
    return true;
  }
}

/**
 * @param {SimulatorEvent} event
 * @returns {Message}
 */
export function messageOf(event) {
  return {
    wamid: event.wamid,
    direction: event.kind === 'said' ? 'in' : 'out',
    atMs: event.atMs,
    type: event.type,
    text: event.text,
    body: event.body,
    replyTo: event.replyTo ?? null,
    status: event.kind === 'sendAccepted' ? 'accepted' : 'sent',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
  };
}

/**
 * A message that the simulator has not heard of yet. Its id is made here, so that sending it twice says it once.
 * @param {{ text: string, atMs: number }} said
 * @returns {Message}
 */
export function pendingMessage({ text, atMs }) {
  const bytes = crypto.getRandomValues(new Uint8Array(30));
  const wamid = `wamid.${btoa(String.fromCharCode(...bytes))}`;
  const rest = { replyTo: null, errorCode: null, acknowledgedAtMs: null, readAtMs: null };
  return {
    ...rest,
    wamid,
    direction: 'in',
    atMs,
    type: 'text',
    text,
    body: { body: text },
    status: 'sent',
    pending: 'sending',
  };
}

/**
 * The ticks under a message, of either side, and what they mean in words.
 * @param {Message} message
 * @returns {{ tick: Tick, label: string }}
 */
export function tickOf(message) {
  if (message.pending === 'refused') return { tick: 'failed', label: 'Not sent' };
  if (message.pending) return { tick: 'clock', label: 'Sending' };
  if (message.direction === 'in') {
    if (message.readAtMs !== null) return { tick: 'read', label: 'Read by the business' };
    if (message.acknowledgedAtMs !== null) return { tick: 'delivered', label: 'Received by the business' };
    return { tick: 'sent', label: 'Sent, not received by the business yet' };
  }
  switch (message.status) {
    case 'accepted':
      return { tick: 'clock', label: 'Accepted' };
    case 'failed':
      return { tick: 'failed', label: `Not delivered, error ${message.errorCode}` };
    case 'played':
      return { tick: 'read', label: 'Read' };
    default:
      return {
        tick: message.status,
        label: { sent: 'Sent', delivered: 'Delivered', read: 'Read' }[message.status],
      };
  }
}

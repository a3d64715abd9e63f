/**
 * The status strip: whether the server takes webhooks, how many wait for it, and how long the last answer took. All of it
 * is read off what the simulator saw; nobody asks the server.
 */
import { byId } from './elements.js';
import { durationOf, exactTimeOf } from './wording.js';

/** @typedef {import('./api.js').SimulatorEvent} SimulatorEvent */

export function createStatusView() {
  const server = byId('server-status');
  /** The oldest message of each conversation that has no answer yet. @type {Map<string, number>} */
  const unanswered = new Map();
  let isConnected = false;
  let serverState = { tone: 'idle', text: 'no message yet', detail: '' };

  const show = (/** @type {string} */ id, /** @type {string} */ text) => {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  };

  function draw() {
    const { tone, text, detail } = isConnected
      ? serverState
      : { tone: 'down', text: 'no simulator', detail: 'This page connects again by itself.' };
    server.dataset.tone = tone;
    show('server-text', text);
    show('server-detail', detail);
  }

  /** @param {SimulatorEvent} event */
  function noteServer(event) {
    if (event.kind === 'webhookAnswered' || (event.kind === 'handshake' && event.ok)) {
      serverState = { tone: 'up', text: 'up', detail: `took a webhook at ${exactTimeOf(event.atMs)}` };
    } else if (event.kind === 'webhookFailed' || event.kind === 'handshake') {
      const answer = event.httpStatus === null ? 'no connection' : `answers ${event.httpStatus}`;
      serverState = { tone: 'down', text: 'down', detail: `${answer} since ${exactTimeOf(event.atMs)}` };
    } else {
      return;
    }
    draw();
  }

  /** @param {SimulatorEvent} event */
  function noteAnswer({ kind, phoneNumberId, contactId, atMs }) {
    const key = `${phoneNumberId} ${contactId}`;
    if (kind === 'said') {
      if (!unanswered.has(key)) unanswered.set(key, atMs);
    } else if (kind === 'sendAccepted') {
      const saidAtMs = unanswered.get(key);
      if (saidAtMs === undefined) return;
      unanswered.delete(key);
      show('answer-text', durationOf(atMs - saidAtMs));
      show('answer-detail', `at ${exactTimeOf(atMs)}`);
    }
  }

  return {
    /** @param {boolean} connected */
    setConnected(connected) {
      isConnected = connected;
      draw();
    },
    /** @param {SimulatorEvent} event */
    note(event) {
      noteServer(event);
      noteAnswer(event);
    },
    /** @param {{ updates: number, inFlight: number, retrying: number }} waiting */
    setWaiting({ updates, inFlight, retrying }) {
      const sum = updates + inFlight + retrying;
      byId('waiting-status').dataset.tone = retrying > 0 ? 'down' : 'idle';
      show('waiting-text', String(sum));
      show('waiting-detail', retrying > 0 ? `${retrying} tried again until the server takes them` : '');
    },
  };
}

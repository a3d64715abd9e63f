/**
 * Whose life is shown, and what is known of it. It is read anew when something happened, when a step still lasts, and for a
 * while after its last change, never faster than a person can follow; what did not change is not drawn again.
 */
import { computed, effect, signal } from '@preact/signals';
import type { SimulatorEvent } from '../data/control.ts';
import { conversationAt } from '../data/conversations.ts';
import type { Message } from '../data/history.ts';
import { onEvents } from '../data/live.ts';
import { activePhone } from '../data/phones.ts';
import { selectedWamid } from '../data/selection.ts';
import { devState, onMoments } from './dev-state.ts';
import { getLife, type Life } from './doors.ts';

const gapMs = 150;
const againMs = 600;
/** Whoever needs long to tell it is asked the more rarely: it may take this part of the time at most. */
const restShare = 8;
/** After this long without a change it is asked for only when something happens to it. */
const restMs = 10_000;

/** The customer's newest message in the open chat. */
const newest = computed<Message | null>(() => {
  const phone = activePhone.value;
  if (!phone || phone.phoneNumberId === null) return null;
  const { contactId, phoneNumberId } = phone;
  const { messages } = conversationAt({ contactId, phoneNumberId });
  return messages.value.findLast(({ direction, type }) => direction === 'in' && type !== 'reaction') ?? null;
});

export const shownWamid = computed(() => selectedWamid.value ?? newest.value?.wamid ?? null);

/** The message itself, as far as an open chat has it. */
export const shownMessage = computed<Message | null>(() => {
  const wamid = shownWamid.value;
  const phone = activePhone.value;
  if (wamid === null || !phone || phone.phoneNumberId === null) return null;
  const { contactId, phoneNumberId } = phone;
  const { messages } = conversationAt({ contactId, phoneNumberId });
  return messages.value.find((message) => message.wamid === wamid) ?? null;
});

const aheadMs = computed(() => devState.value?.clock.aheadMs ?? 0);

export const life = signal<Life | null>(null);
export const lifeProblem = signal<string | null>(null);

let changedAtMs = 0;
let askedAtMs = 0;
let tookMs = 0;
let text = '';
let timer: number | null = null;
let isAsking = false;

function readIn(delayMs: number): void {
  timer ??= window.setTimeout(() => {
    timer = null;
    void read();
  }, delayMs);
}

/** Soon, but not more often than the gap allows. One that nothing is known of yet does not wait for how long others took. */
function readSoon(): void {
  if (shownWamid.peek() === null) return;
  if (timer !== null) window.clearTimeout(timer);
  timer = null;
  const sinceMs = life.peek() === null ? gapMs : Math.max(gapMs, tookMs * restShare);
  readIn(Math.max(0, askedAtMs + sinceMs - performance.now()));
}

async function read(): Promise<void> {
  const wamid = shownWamid.peek();
  if (wamid === null || isAsking) return;
  isAsking = true;
  askedAtMs = performance.now();
  try {
    keep(wamid, await getLife(wamid));
  } catch (error) {
    if (shownWamid.peek() === wamid)
      lifeProblem.value = error instanceof Error ? error.message : String(error);
  } finally {
    tookMs = performance.now() - askedAtMs;
    isAsking = false;
  }
  if (shownWamid.peek() !== wamid) readSoon();
  else if (isUnsettled()) readIn(againMs);
}

function keep(wamid: string, found: Life): void {
  if (shownWamid.peek() !== wamid) return;
  lifeProblem.value = null;
  const foundText = JSON.stringify(found);
  if (foundText === text) return;
  text = foundText;
  changedAtMs = performance.now();
  life.value = found;
}

function isUnsettled(): boolean {
  const isLasting = life.peek()?.steps.some(({ toMs }) => toMs === null) ?? true;
  return isLasting || performance.now() - changedAtMs < restMs;
}

effect(() => {
  shownWamid.value;
  text = '';
  changedAtMs = performance.now();
  life.value = null;
  lifeProblem.value = null;
  readSoon();
});

onMoments(() => {
  if (isUnsettled()) readSoon();
});

onEvents((told, isPast) => {
  if (isPast) return;
  if (told.some(({ kind }) => kind === 'reset')) selectedWamid.value = null;
  if (told.some(concernsIt)) readSoon();
});

/** It names the message, or is of its conversation. */
function concernsIt(event: SimulatorEvent): boolean {
  if ('wamid' in event && event.wamid === shownWamid.peek()) return true;
  const phone = activePhone.peek();
  if (phone === undefined || !('contactId' in event) || !('phoneNumberId' in event)) return false;
  return event.contactId === phone.contactId && event.phoneNumberId === phone.phoneNumberId;
}

effect(() => {
  aheadMs.value;
  readSoon();
});

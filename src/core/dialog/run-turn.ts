/**
 * A turn: a stored state and a batch of events in, the next state and effects out. Pure: time, chance and settings come
 * with the input, nothing is awaited, nothing is started. Events are run one by one; one that makes the dialog throw
 * becomes a dead letter with a fallback text and a flag, and the rest go on. What a late result or an old timer says
 * changes nothing. The silent ends of statecharts are closed here: an errored or finished machine, an event that
 * nothing handles, an actor that nobody runs.
 */
import type { AnyEventObject } from 'xstate';
import { limits } from '../limits.ts';
import type { Effect } from '../model/effects.ts';
import { answerClassOf, type EventEnd, type MailboxEvent } from '../model/events.ts';
import { messageOf, outlineOf } from '../model/faults.ts';
import type { NumberSettings } from '../ports/tenants.ts';
import { factOf, fittingFact, takesFact, unheardFact } from './business-events.ts';
import { openSigner, type TapSigner } from './buttons.ts';
import type { Dialog, DialogEvent, TurnEnv } from './dialog.ts';
import { inDialogOrder } from './dialog-order.ts';
import { begin, isUnderWay, type LiveState, labelOf, languageOf, notBegun, persist } from './dialog-state.ts';
import { blankEffects, defaultTexts, fallbackEffects } from './fallback.ts';
import { answeredBy, asTapped, judgeTap, secondTapEffects, type Tap, visitAfter } from './taps.ts';
import { nextTransition } from './transition.ts';
import {
  type CollectContext,
  collectEffects,
  type EffectSink,
  isMute,
  newSink,
  noteUnseen,
  settledEffects,
  takeBack,
} from './turn-effects.ts';
import { type Restored, restore } from './versions.ts';

export interface TurnInput {
  dialog: Dialog;
  /** The stored state, or null before the first turn. */
  stored: string | null;
  events: readonly MailboxEvent[];
  /** More events wait than this batch holds. */
  more: boolean;
  nowMs: number;
  seed: number;
  settings: NumberSettings;
  /** A transcriber is set, so recordings can be read. */
  transcribes?: boolean;
  lastFallbackAtMs: number | null;
  /** Writes and checks the codes in the ids of this conversation's buttons; without one they are open. */
  signer?: TapSigner;
  /** Makes ids that are equal in every run of this turn. */
  newId(prefix: 'act' | 'tmr'): string;
  /** Activities that the commit refused in an earlier run of this turn, by name, with the limit that refused. */
  refused: readonly { name: string; limit: string }[];
  /** Why an earlier run of this turn could not be committed: its events become dead letters without being run. */
  failed?: string;
}

export interface TurnOutput {
  state: string;
  stateLabel: string;
  effects: Effect[];
  consumed: { position: number; end: EventEnd }[];
  /** `fault` has the dialog's own words, for the operator who asks; a log gets the outline. */
  deadLetters: { position: number; fault: string; outline: string }[];
  fallbackSent: boolean;
  /** Results and timers of earlier visits that were discarded. */
  late: number;
  /** What each tap was taken as. */
  taps: Tap['kind'][];
}

interface Turn {
  input: TurnInput;
  live: LiveState;
  sink: EffectSink;
  output: Pick<TurnOutput, 'consumed' | 'deadLetters' | 'late' | 'taps'>;
}

/** What went wrong, once with the words of whoever threw it and once without. */
type Told = Pick<TurnOutput['deadLetters'][number], 'fault' | 'outline'>;

const toldOf = (error: unknown): Told => ({ fault: messageOf(error), outline: outlineOf(error) });

/** @throws Error where what the dialog remembers is too large to be stored */
export function runTurn(input: TurnInput): TurnOutput {
  const restored = restore(input.dialog, input.stored, input.nowMs);
  const { live } = restored;
  const turn: Turn = {
    input,
    live,
    sink: newSink(input.refused),
    output: { consumed: [], deadLetters: [], late: 0, taps: [] },
  };
  continueFrom(turn, restored);
  const ordered = inDialogOrder(input.events);
  for (const [index, event] of ordered.entries()) {
    const effectsBefore = turn.sink.effects.length;
    if (input.failed === undefined) runEvent(turn, event);
    else poison(turn, turn.live, event, { fault: input.failed, outline: input.failed }, true);
    noteUnseen(turn.sink, effectsBefore, ordered.slice(index + 1));
  }
  if (!input.more && input.failed === undefined) drained(turn);
  return {
    state: storable(input.dialog, persist(input.dialog, turn.live)),
    stateLabel: labelOf(input.dialog, turn.live),
    effects: settledEffects(turn.sink),
    consumed: turn.output.consumed,
    deadLetters: turn.output.deadLetters,
    fallbackSent: turn.sink.effects.some(isFallback),
    late: turn.output.late,
    taps: turn.output.taps,
  };
}

const isFallback = (effect: Effect) => effect.type === 'send' && effect.fallback === true;

/** What an event carries now: a fallback text that this turn sends counts for the rest of it. */
function envOf({ input, live, sink }: Turn): TurnEnv {
  const { nowMs, seed, settings, transcribes = false, lastFallbackAtMs } = input;
  return {
    nowMs,
    seed,
    settings,
    language: languageOf(input.dialog, live, settings),
    transcribes,
    lastFallbackAtMs: sink.effects.some(isFallback) ? nowMs : lastFallbackAtMs,
  };
}

/** Messages are seen by WhatsApp's time: what is said now also answers what was seen before and stands behind it. */
function turnContext({ input, live, output }: Turn, position: number): CollectContext {
  const { dialog, nowMs, newId, signer = openSigner } = input;
  const through = Math.max(position, ...output.consumed.map((each) => each.position));
  const mint = { dialog: dialog.name, visit: live.visit.began, signer };
  return { dialog, position: through, nowMs, newId, mint };
}

function storable(dialog: Dialog, state: string): string {
  if (state.length <= limits.snapshotBytesMax) return state;
  throw new Error(
    `The state of dialog ${dialog.name} has ${state.length} characters, ${limits.snapshotBytesMax} may be stored. Keep positions and ids in its context, not what was said.`,
  );
}

/**
 * The stored state may be of another version. What has no place in this one is cancelled, what this one adds is set; who
 * waited for an answer of what is cancelled is told so, and a person too. An end by the declared landing state is no fault.
 */
function continueFrom(turn: Turn, { how, gone, due }: Restored): void {
  const firstPosition = turn.input.events[0]?.position ?? 0;
  cancelAll(turn, gone);
  for (const { timerId, event, delayMs } of due) {
    const token = turn.input.newId('tmr');
    turn.live.timers[timerId] = { token, event, setAtMs: turn.input.nowMs, delayMs };
    turn.sink.effects.push({ type: 'setTimer', timerId, token, delayMs });
  }
  // Buttons of before belong to no question of now.
  if (how === 'lost' || how === 'landed') turn.live.visit = { began: firstPosition };
  const isAwaited = Object.keys(gone.activities).length > 0;
  if (how !== 'lost' && !isAwaited) return;
  const detail =
    how === 'lost'
      ? 'the stored state no longer fits its dialog, which began anew'
      : 'what the customer waited for is no part of the new version of the dialog';
  const answersThrough = firstPosition - 1;
  const flagged = fallbackEffects(envOf(turn), { reason: 'dialogChanged', detail, answersThrough });
  turn.sink.effects.push(...(isAwaited ? flagged : flagged.filter((effect) => effect.type === 'flag')));
}

function runEvent(turn: Turn, event: MailboxEvent): void {
  const { output } = turn;
  const { position } = event;
  const answerClass = event.content.groupId === undefined ? answerClassOf[event.kind] : 'never';
  const wantsAnswer = answerClass === 'answer';
  if (wantsAnswer && event.sentAtMs + limits.serviceWindowMs <= turn.input.nowMs) {
    output.consumed.push({ position, end: 'awaiting' });
    const detail = 'the message came after its service window had closed';
    turn.sink.effects.push({ type: 'flag', reason: 'windowClosed', detail, answersThrough: position });
    return;
  }
  const tap = wantsAnswer ? tapIn(turn, event) : null;
  if (tap !== null) output.taps.push(tap.kind);
  if (tap?.kind === 'second' || tap?.kind === 'unwanted') {
    const unwanted: Effect = { type: 'noAnswer', rule: 'staleTap', answersThrough: position };
    output.consumed.push({ position, end: 'awaiting' });
    turn.sink.effects.push(
      ...(tap.kind === 'second' ? secondTapEffects(turn.live.visit, position) : [unwanted]),
    );
    return;
  }
  const machineEvent = answerClass === 'never' ? null : toMachineEvent(turn, event, tap);
  if (machineEvent === null && answerClass === 'internal') output.late += 1;
  const isFact = event.kind === 'business';
  if (machineEvent === null || (!wantsAnswer && !isFact && !isUnderWay(turn.live))) {
    output.consumed.push({ position, end: 'noAnswerNeeded' });
    return;
  }
  const before = copyOf(turn.live);
  const effectsBefore = turn.sink.effects.length;
  turn.sink.blankSays = 0;
  try {
    const told = isFact ? fittingFact(turn.input.dialog, machineEvent) : machineEvent;
    const isTaken = !isFact || takesFact(turn.input.dialog, turn.live, told);
    const moved = isTaken && step(turn, told, position, tap);
    if (event.kind === 'handedBack') goOnAfterHandBack(turn, before, event);
    output.consumed.push({ position, end: wantsAnswer ? 'awaiting' : 'noAnswerNeeded' });
    const isAwaited = wantsAnswer || event.kind === 'activityDone' || event.kind === 'activityFailed';
    if (!moved && wantsAnswer) unexpected(turn, position, tap);
    else if (isAwaited && isMute(turn.sink, effectsBefore, turn.live))
      turn.sink.effects.push(...blankEffects(envOf(turn), position));
    if (!isTaken) turn.sink.effects.push(unheardFact(event));
  } catch (error) {
    takeBack(turn.sink, effectsBefore);
    poison(turn, before, event, toldOf(error), answerClass === 'internal' && !isFact);
  }
}

function tapIn({ input, live }: Turn, event: MailboxEvent): Tap | null {
  const { dialog, signer = openSigner } = input;
  return judgeTap(event, { dialog, signer, visit: live.visit, isUnderWay: isUnderWay(live) });
}

/** Translates, or null where the event belongs to an earlier visit of its state. */
function toMachineEvent(turn: Turn, event: MailboxEvent, tap: Tap | null): AnyEventObject | null {
  const { live } = turn;
  const env = envOf(turn);
  switch (event.kind) {
    case 'activityDone':
    case 'activityFailed': {
      const { activityId, result, fault } = event.content;
      const invokeId = Object.keys(live.activities).find((id) => live.activities[id] === activityId);
      if (invokeId === undefined) return null;
      delete live.activities[invokeId];
      return event.kind === 'activityDone'
        ? { type: `xstate.done.actor.${invokeId}`, output: result, actorId: invokeId, env }
        : { type: `xstate.error.actor.${invokeId}`, error: fault, actorId: invokeId, env };
    }
    case 'timer': {
      const timerId = event.content.timerId ?? '';
      const timer = live.timers[timerId];
      if (timer === undefined || timer.hasFired || timer.token !== event.content.timerToken) return null;
      live.timers[timerId] = { ...timer, hasFired: true };
      return { ...timer.event, env };
    }
    case 'business':
      return factOf(event, env);
    default: {
      const { position, wamid, sentAtMs } = event;
      // Whoever read the webhook gave each kind its field.
      const message = { ...event.content, type: event.kind, position, wamid, sentAtMs, env };
      const dialogEvent = message as DialogEvent;
      return tap === null ? dialogEvent : asTapped(dialogEvent, tap);
    }
  }
}

/** One event through the machine; false where nothing changed and nothing was said. @throws what the dialog throws */
function step(turn: Turn, event: AnyEventObject, position: number, tap: Tap | null = null): boolean {
  const { dialog } = turn.input;
  const effectsBefore = turn.sink.effects.length;
  const underWay = isUnderWay(turn.live) ? turn.live.snapshot : null;
  const current = underWay ?? beginNow(turn, position);
  const { snapshot: next, actions } = nextTransition(dialog, current, event);
  if (next.status === 'error')
    throw (
      (next as { error?: unknown }).error ??
      new Error('The dialog ended with an error that it does not handle.')
    );
  // The timers of the first state are no answer to the first message.
  const hasBegun = turn.sink.effects.slice(effectsBefore).some(({ type }) => type !== 'setTimer');
  const moved = next !== current || actions.length > 0 || hasBegun;
  turn.live.snapshot = next;
  const isNewState = JSON.stringify(next.value) !== JSON.stringify(current.value);
  turn.live.visit = visitAfter(turn.live.visit, { position, tap: moved ? tap : null, isNewState });
  collectEffects(turn.sink, turn.live, actions, turnContext(turn, position));
  turn.live.visit = answeredBy(turn.live.visit, turn.sink.effects.slice(effectsBefore));
  refuseStrays(turn, Object.keys(current.children));
  runRefused(turn, position);
  if (next.status === 'done' && turn.live.snapshot === next) turn.sink.effects.push({ type: 'end' });
  return moved;
}

/** The first instance of the dialog, or the next one after its end. */
function beginNow(turn: Turn, position: number) {
  const { snapshot, actions } = begin(turn.input.dialog);
  turn.live = { ...notBegun(), visit: { ...turn.live.visit, began: position }, snapshot };
  collectEffects(turn.sink, turn.live, actions, turnContext(turn, position));
  refuseStrays(turn, []);
  runRefused(turn, position);
  return turn.live.snapshot ?? snapshot;
}

/** An actor that `spawn` made inside an `assign` leaves no action: nobody would ever run it, nor end it. */
function refuseStrays(turn: Turn, known: readonly string[]): void {
  for (const id of Object.keys(turn.live.snapshot?.children ?? {})) {
    const isStarted =
      id in turn.live.activities || turn.sink.refusedStarts.some((each) => each.invokeId === id);
    if (isStarted || known.includes(id)) continue;
    throw new Error(
      `Dialog ${turn.input.dialog.name} has made the actor "${id}" by spawn inside assign, which nobody runs. Invoke a declared activity instead.`,
    );
  }
}

/** An activity that a limit refused ends at once with an error, before anything of it was committed. */
function runRefused(turn: Turn, position: number): void {
  for (let refused = turn.sink.refusedStarts.shift(); refused; refused = turn.sink.refusedStarts.shift()) {
    const { invokeId, limit } = refused;
    const error = { code: 'limitRefused', message: `The limit ${limit} is reached.`, limit };
    const type = `xstate.error.actor.${invokeId}`;
    step(turn, { type, error, actorId: invokeId, env: envOf(turn) }, position);
  }
}

/**
 * A take-over ended what ran and dropped the timers. Where the dialog still waits for an activity it is told that it failed,
 * since nothing else would ever move it on; timers of its present state are set again for the time that is left.
 */
function goOnAfterHandBack(turn: Turn, before: LiveState, { position, content }: MailboxEvent): void {
  // What an earlier message of this turn or of one before has started was not there when somebody took over, and goes on.
  const isNew = (id: string) =>
    content.running?.includes(id) ||
    turn.sink.effects.some((e) => e.type === 'startActivity' && e.activityId === id);
  for (const [invokeId, activityId] of Object.entries(before.activities)) {
    if (turn.live.activities[invokeId] !== activityId || isNew(activityId)) continue;
    delete turn.live.activities[invokeId];
    const error = { code: 'takenOver', message: 'A person took the conversation over, which ended this.' };
    const type = `xstate.error.actor.${invokeId}`;
    step(turn, { type, error, actorId: invokeId, env: envOf(turn) }, position);
  }
  for (const [timerId, timer] of Object.entries(turn.live.timers)) {
    const { token, setAtMs, delayMs, hasFired } = timer;
    if (hasFired || before.timers[timerId]?.token !== token) continue;
    const leftMs = Math.max(0, (setAtMs ?? turn.input.nowMs) + (delayMs ?? 0) - turn.input.nowMs);
    if (delayMs !== undefined) turn.sink.effects.push({ type: 'setTimer', timerId, token, delayMs: leftMs });
  }
}

function drained(turn: Turn): void {
  // A wildcard of a dialog means the customer's messages, not this.
  const hears = turn.input.dialog.machine.events.includes('mailboxDrained');
  if (!hears || !isUnderWay(turn.live)) return;
  const position = Math.max(0, ...turn.output.consumed.map((each) => each.position));
  const before = copyOf(turn.live);
  const effectsBefore = turn.sink.effects.length;
  try {
    step(turn, { type: 'mailboxDrained', env: envOf(turn) }, position);
  } catch (error) {
    takeBack(turn.sink, effectsBefore);
    const last = turn.input.events.at(-1);
    if (last !== undefined) poison(turn, before, last, toldOf(error), true);
  }
}

function unexpected(turn: Turn, position: number, tap: Tap | null): void {
  const { dialog, settings } = turn.input;
  const stale = tap?.kind === 'stale' ? (dialog.staleText?.(settings) ?? defaultTexts.staleTap) : undefined;
  const text = stale ?? dialog.unexpectedText?.(settings);
  const detail = 'the dialog has no answer to this message';
  turn.sink.effects.push(
    ...(text === undefined
      ? fallbackEffects(envOf(turn), { reason: 'unexpected', detail, answersThrough: position })
      : [{ type: 'send', body: { type: 'text', text: { body: text } }, answersThrough: position } as const]),
  );
}

/**
 * The event is not tried again: a pure turn would fail the same way. The customer gets the fallback text, a person is
 * asked. After a failed result or timer the dialog begins anew, since nothing else would ever move it on. What the business
 * told leaves it where it is: nobody wrote and waits for a word, and a person may send the event through again.
 */
function poison(turn: Turn, before: LiveState, event: MailboxEvent, told: Told, restart: boolean): void {
  const { output } = turn;
  const { position } = event;
  turn.live = before;
  if (restart) {
    cancelAll(turn, before);
    turn.live = { ...notBegun(), visit: before.visit };
  }
  const consumed = output.consumed.find((each) => each.position === position);
  if (consumed === undefined) output.consumed.push({ position, end: 'deadLetter' });
  else consumed.end = 'deadLetter';
  if (!output.deadLetters.some((each) => each.position === position))
    output.deadLetters.push({ position, ...told });
  const isAwaited = restart || event.kind !== 'business';
  const answersThrough = isAwaited ? position : 0;
  const flagged = fallbackEffects(envOf(turn), { reason: 'deadLetter', detail: told.fault, answersThrough });
  turn.sink.effects.push(...(isAwaited ? flagged : flagged.filter((effect) => effect.type === 'flag')));
}

/** Nobody waits for these any more. */
function cancelAll(turn: Turn, { activities, timers }: Pick<LiveState, 'activities' | 'timers'>): void {
  for (const activityId of Object.values(activities))
    turn.sink.effects.push({ type: 'cancelActivity', activityId });
  for (const timerId of Object.keys(timers)) turn.sink.effects.push({ type: 'cancelTimer', timerId });
}

function copyOf({ snapshot, activities, timers, visit }: LiveState): LiveState {
  return { snapshot, activities: { ...activities }, timers: { ...timers }, visit };
}

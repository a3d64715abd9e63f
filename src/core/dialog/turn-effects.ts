/**
 * From a machine's actions to effects. Spawned children are activities, delayed raises are timers, the rest are the
 * words of `dialogActions`. What starts and is stopped within one turn leaves no trace.
 */
import type { Effect } from '../model/effects.ts';
import { splitText } from '../model/split-text.ts';
import { type Mint, mintBody } from './buttons.ts';
import type { Dialog, FlagParams, SayParams } from './dialog.ts';
import type { LiveState } from './dialog-state.ts';

export interface EffectSink {
  effects: Effect[];
  /** Limits that refused starts of an earlier run of this turn; each answers one start. */
  refusals: { name: string; limit: string }[];
  /** Starts that are refused in this run and wait for their error. */
  refusedStarts: { name: string; invokeId: string; limit: string }[];
  /** Words that came to nothing in the event that is run: whoever made them had none. */
  blankSays: number;
}

export function newSink(refused: readonly { name: string; limit: string }[]): EffectSink {
  return { effects: [], refusals: [...refused], refusedStarts: [], blankSays: 0 };
}

export interface CollectContext {
  dialog: Dialog;
  /** The last position of all that the dialog has seen by now; its words answer through it unless they say otherwise. */
  position: number;
  nowMs: number;
  newId(prefix: 'act' | 'tmr'): string;
  /** What buttons and rows get their ids by. */
  mint: Mint;
}

interface Action {
  type: string;
  params?: unknown;
}

export function collectEffects(
  sink: EffectSink,
  live: LiveState,
  actions: readonly unknown[],
  context: CollectContext,
): void {
  const conditional: { starts: string; effects: Effect[] }[] = [];
  for (const action of actions as readonly Action[]) {
    const params = (action.params ?? {}) as Record<string, unknown>;
    switch (action.type) {
      case 'xstate.spawnChild':
        start(sink, live, params, context);
        break;
      case 'xstate.stopChild':
        stop(sink, live, params);
        break;
      case 'xstate.raise':
        setTimer(sink, live, params, context);
        break;
      case 'xstate.cancel':
        cancelTimer(sink, live, String(params.sendId));
        break;
      default: {
        if (action.type.startsWith('xstate.')) break;
        const effects = words(action.type, params, context);
        sink.effects.push(...effects);
        if (action.type === 'say' && effects.length === 0) sink.blankSays += 1;
        if (typeof params.ifStarts === 'string') conditional.push({ starts: params.ifStarts, effects });
      }
    }
  }
  for (const { starts, effects } of conditional) {
    const isRefused = sink.refusedStarts.some(({ invokeId }) => invokeId === starts);
    if (isRefused) sink.effects = sink.effects.filter((effect) => !effects.includes(effect));
  }
}

function start(
  sink: EffectSink,
  live: LiveState,
  params: Record<string, unknown>,
  context: CollectContext,
): void {
  const invokeId = String(params.id);
  const name = String(params.src);
  const declaration = context.dialog.activities[name];
  if (declaration === undefined) {
    throw new Error(
      `The dialog ${context.dialog.name} started "${name}", which is not one of its declared activities.`,
    );
  }
  const refusal = sink.refusals.findIndex((each) => each.name === name);
  if (refusal >= 0) {
    const [refused] = sink.refusals.splice(refusal, 1);
    sink.refusedStarts.push({ name, invokeId, limit: refused?.limit ?? '' });
    return;
  }
  const input = declaration.acceptInput?.(params.input) ?? params.input;
  const activityId = context.newId('act');
  live.activities[invokeId] = activityId;
  sink.effects.push({ type: 'startActivity', activityId, name, input });
}

/** Also comes after a child that is done: then its visit is gone from the map and nothing is cancelled. */
function stop(sink: EffectSink, live: LiveState, params: Record<string, unknown>): void {
  const invokeId = String(params.id);
  const activityId = live.activities[invokeId];
  if (activityId === undefined) return;
  delete live.activities[invokeId];
  sink.effects.push({ type: 'cancelActivity', activityId });
}

function setTimer(
  sink: EffectSink,
  live: LiveState,
  params: Record<string, unknown>,
  context: CollectContext,
): void {
  if (typeof params.delay !== 'number') return;
  const timerId = String(params.id);
  const token = context.newId('tmr');
  const event = params.event as { type: string };
  live.timers[timerId] = { token, event, setAtMs: context.nowMs, delayMs: params.delay };
  sink.effects.push({ type: 'setTimer', timerId, token, delayMs: params.delay });
}

function cancelTimer(sink: EffectSink, live: LiveState, timerId: string): void {
  const timer = live.timers[timerId];
  delete live.timers[timerId];
  if (timer === undefined || timer.hasFired) return;
  sink.effects.push({ type: 'cancelTimer', timerId });
}

function words(type: string, params: Record<string, unknown>, context: CollectContext): Effect[] {
  switch (type) {
    case 'say':
      return say(params as SayParams, context);
    case 'flag':
      return [{ type: 'flag', answersThrough: context.position, ...(params as unknown as FlagParams) }];
    case 'noAnswer':
      return [{ type: 'noAnswer', answersThrough: context.position, ...(params as { rule: string }) }];
    case 'handOff':
      return [{ type: 'handOff' }];
    case 'markRead':
      return params.wamid === ''
        ? []
        : [{ type: 'markRead', ...(params as { wamid: string; typing: boolean }) }];
    default:
      throw new Error(
        `The dialog ${context.dialog.name} uses the action "${type}", which is not one of dialogActions.`,
      );
  }
}

/** @throws Error where there is nothing to say: no send would leave, and the customer would wait in silence. */
function say(params: SayParams, { dialog, position, mint }: CollectContext): Effect[] {
  const { text, body, bodies: several, ifStarts: _, ...rest } = params;
  const bodies =
    several ??
    (body !== undefined
      ? [body]
      : splitText(text ?? '').map((part) => ({ type: 'text' as const, text: { body: part } })));
  if (bodies.length === 0 && several === undefined)
    throw new Error(`The dialog ${dialog.name} said a blank text. Give its say words, or another action.`);
  return bodies.map((each, index) => {
    const { quoteWamid, ifWindowClosed, ...others } = rest;
    return {
      type: 'send',
      body: mintBody(each, mint),
      answersThrough: position,
      ...others,
      ...(quoteWamid !== undefined && index === 0 ? { quoteWamid } : {}),
      ...(ifWindowClosed === undefined ? {} : { ifWindowClosed: index === 0 ? ifWindowClosed : 'nothing' }),
    };
  });
}

const answering: readonly Effect['type'][] = ['send', 'flag', 'noAnswer', 'handOff', 'startActivity'];

/** Something was to be said in this event and all of it was blank, and nothing runs that will say more. */
export function isMute(sink: EffectSink, effectsBefore: number, { activities }: LiveState): boolean {
  const isHeard = sink.effects.slice(effectsBefore).some(({ type }) => answering.includes(type));
  return sink.blankSays > 0 && !isHeard && Object.keys(activities).length === 0;
}

/** What a failing event wanted is not done; a refusal that it was not told of is kept for the next start. */
export function takeBack(sink: EffectSink, effectsBefore: number): void {
  sink.effects.length = effectsBefore;
  sink.refusals.unshift(...sink.refusedStarts.splice(0));
}

/**
 * Messages are seen by WhatsApp's time, so some that are seen later stand before the one that is run: what it made the
 * dialog say is no answer to those.
 */
export function noteUnseen(
  sink: EffectSink,
  effectsBefore: number,
  later: readonly { position: number }[],
): void {
  for (const [index, effect] of sink.effects.entries()) {
    if (index < effectsBefore) continue;
    if (effect.type !== 'send' && effect.type !== 'flag' && effect.type !== 'noAnswer') continue;
    const { answersThrough = Number.MAX_SAFE_INTEGER } = effect;
    const unseen = later.map(({ position }) => position).filter((position) => position <= answersThrough);
    if (unseen.length > 0) sink.effects[index] = { ...effect, unseen };
  }
}

/** What is left of a turn's effects in the end. */
export function settledEffects(sink: EffectSink): Effect[] {
  return withTemplatesOnce(withoutUndone(sink));
}

/**
 * A template stands for what is said after it to the same event and has the same one: nobody gets it twice. What answers
 * a later event keeps its own, by which that event has its end.
 */
function withTemplatesOnce(effects: readonly Effect[]): Effect[] {
  let standing: { template: string; through: number; unseen: readonly number[] } | null = null;
  return effects.map((effect) => {
    if (effect.type !== 'send' || effect.ifWindowClosed === 'nothing') return effect;
    if (effect.ifWindowClosed === undefined) {
      standing = null;
      return effect;
    }
    const { answersThrough: through = 0, unseen = [] } = effect;
    const own = { template: JSON.stringify(effect.ifWindowClosed), through, unseen };
    const isSeenSince = (position: number) => position <= through && !unseen.includes(position);
    if (
      own.template === standing?.template &&
      through <= standing.through &&
      !standing.unseen.some(isSeenSince)
    )
      return { ...effect, ifWindowClosed: 'nothing' };
    standing = own;
    return effect;
  });
}

/** Drops what was started and stopped within the turn: it reserves nothing and runs nothing. */
function withoutUndone(sink: EffectSink): Effect[] {
  const cancelled = new Set(
    sink.effects.flatMap((effect) => (effect.type === 'cancelActivity' ? [effect.activityId] : [])),
  );
  const started = new Set(
    sink.effects.flatMap((effect) => (effect.type === 'startActivity' ? [effect.activityId] : [])),
  );
  const lastTimer = new Map<string, number>();
  for (const [index, effect] of sink.effects.entries()) {
    if (effect.type === 'setTimer' || effect.type === 'cancelTimer') lastTimer.set(effect.timerId, index);
  }
  return sink.effects.filter((effect, index) => {
    if (effect.type === 'startActivity') return !cancelled.has(effect.activityId);
    if (effect.type === 'cancelActivity') return !started.has(effect.activityId);
    if (effect.type === 'setTimer' || effect.type === 'cancelTimer')
      return lastTimer.get(effect.timerId) === index;
    return true;
  });
}

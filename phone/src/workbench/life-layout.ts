/**
 * The life of a message as rows of a waterfall: where each step stands on a scale of time, and what it is to the eye.
 *
 * A message's life has steps of a millisecond and waits of minutes, so a true scale would show the waits alone. Here each
 * stretch between two neighbouring moments is as wide as the logarithm of its length: order and overlap stay true, and
 * the true durations stand beside each bar in words. To give a new kind of step its colour, add it to `looks`.
 */
export interface LifeStep {
  kind: string;
  fromMs: number;
  /** Null while it lasts. */
  toMs: number | null;
  text: string;
  detail: unknown;
}

export type Tone = 'way' | 'work' | 'send' | 'told' | 'note' | 'warn' | 'bad' | 'good';

export interface PlacedStep extends LifeStep {
  /** Both 0..1 on the scale. */
  start: number;
  end: number;
  /** Null while it lasts. */
  tookMs: number | null;
  afterMs: number;
  tone: Tone;
  shape: Shape;
}

export interface ScaleTick {
  at: number;
  afterMs: number;
}

export interface LifeLayout {
  rows: readonly PlacedStep[];
  ticks: readonly ScaleTick[];
  totalMs: number;
}

/** A bar is work, a thin line a wait, a diamond something that happened to it beside its way. */
export type Shape = 'bar' | 'wait' | 'mark';

interface Look {
  tone: Tone;
  shape: Shape;
}

const bar = (tone: Tone): Look => ({ tone, shape: 'bar' });
const wait = (tone: Tone): Look => ({ tone, shape: 'wait' });
const mark = (tone: Tone): Look => ({ tone, shape: 'mark' });

/** By the kind of the step, as the supervisor names it. */
export const looks: Readonly<Record<string, Look>> = {
  said: bar('way'),
  webhook: bar('way'),
  stored: bar('way'),
  dropped: mark('note'),
  quarantined: mark('bad'),
  waiting: wait('note'),
  business: bar('way'),
  turn: bar('work'),
  fence: mark('warn'),
  limit: mark('warn'),
  activity: bar('work'),
  retry: mark('warn'),
  model: bar('work'),
  flag: mark('bad'),
  fallback: mark('warn'),
  handOff: mark('note'),
  markedRead: bar('told'),
  lane: wait('note'),
  pace: wait('note'),
  send: bar('send'),
  answerLost: mark('warn'),
  uncertain: mark('warn'),
  withdrawn: mark('bad'),
  sent: bar('told'),
  delivered: bar('told'),
  read: bar('told'),
  played: bar('told'),
  failed: mark('bad'),
  down: mark('bad'),
  clock: mark('note'),
};

const isProven = ({ detail }: LifeStep): boolean =>
  (detail as { ended?: { how?: unknown } } | null)?.ended?.how === 'proven';

function lookOf(step: LifeStep): Look {
  const look = looks[step.kind] ?? bar('note');
  // A doubt that was lifted by evidence is good news.
  return isProven(step) ? { ...look, tone: 'good' } : look;
}

/** Below this a stretch is as wide as this, so that what happens within one millisecond does not lie on one point. */
const stretchMinMs = 0.5;
const ticksMax = 6;
const tickGapMin = 0.18;

interface Scale {
  placeOf(atMs: number): number;
  moments: readonly number[];
}

export function scaleOver(moments: readonly number[]): Scale {
  const sorted = [...new Set(moments)].toSorted((a, b) => a - b);
  const widths = sorted
    .slice(1)
    .map((atMs, index) => Math.log2(1 + Math.max(stretchMinMs, atMs - sorted[index]!)));
  const whole = widths.reduce((sum, width) => sum + width, 0);
  const places = new Map<number, number>();
  let place = 0;
  for (const [index, atMs] of sorted.entries()) {
    if (index > 0) place += whole === 0 ? 0 : widths[index - 1]! / whole;
    places.set(atMs, Math.min(1, place));
  }
  return { placeOf: (atMs) => places.get(atMs) ?? 1, moments: sorted };
}

export function layOut(steps: readonly LifeStep[], nowMs: number): LifeLayout {
  const first = steps[0];
  if (first === undefined) return { rows: [], ticks: [], totalMs: 0 };
  const beginMs = Math.min(...steps.map(({ fromMs }) => fromMs));
  const endOf = ({ fromMs, toMs }: LifeStep) => Math.max(fromMs, toMs ?? nowMs);
  const scale = scaleOver(steps.flatMap((step) => [step.fromMs, endOf(step)]));
  const rows = steps.map((step) => {
    const { tone, shape } = lookOf(step);
    return {
      ...step,
      start: scale.placeOf(step.fromMs),
      end: scale.placeOf(endOf(step)),
      tookMs: step.toMs === null ? null : step.toMs - step.fromMs,
      afterMs: step.fromMs - beginMs,
      tone,
      shape,
    };
  });
  return { rows, ticks: ticksOf(scale, beginMs), totalMs: Math.max(...steps.map(endOf)) - beginMs };
}

/** Moments that are far enough from each other to be labelled. */
function ticksOf({ moments, placeOf }: Scale, beginMs: number): ScaleTick[] {
  const ticks: ScaleTick[] = [];
  for (const atMs of moments) {
    const at = placeOf(atMs);
    const last = ticks.at(-1);
    if (last !== undefined && at - last.at < tickGapMin) continue;
    if (ticks.length < ticksMax && at <= 1 - tickGapMin / 2) ticks.push({ at, afterMs: atMs - beginMs });
  }
  return ticks;
}

/**
 * The faults this look-alike can make, each by rate (0..1), by count ("the next n"), or both, all changeable while it
 * runs; and each for a time, by the clock that is passed in: `{ rate: 1, afterMs: 3_600_000, forMs: 600_000 }`. A fault
 * that is not listed here does not exist: names and values are checked when they are set.
 *
 * To add a fault: add it to `FaultSettings` and `defaultFaults()`, and ask `fires(...)` where it bites.
 */

import { type JsonObject, readArray, readObject } from './control/json-reading.ts';
import { ControlError, mergeSettings, type SettingWords } from './control/setting-merge.ts';
import type { Random, RangeMs } from './draw.ts';
import { drawChance } from './draw.ts';

export interface Trigger {
  rate: number;
  /** Fires for the next n occasions whatever the rate, counting down. */
  next: number;
  /** Only for this phone number; null for all. */
  phoneNumberId: string | null;
  /** Fires in no moment before; set by `afterMs`, counted from the setting. Null: at once. */
  fromMs: number | null;
  /** Fires in no moment from here on; set by `forMs`, counted from `fromMs`. Null: until it is switched off. */
  untilMs: number | null;
}

/** What a trigger is set by, besides its own fields. */
export interface TriggerSpan {
  afterMs: number;
  forMs: number;
}

export interface GraphErrorFault extends Trigger {
  code: number;
  /** Null: the status that Meta's table gives for the code. */
  httpStatus: number | null;
  /** The error is answered although the send was accepted: Meta does not promise the contrary for 1, 2, 131000, 5xx. */
  accept: boolean;
}

export interface FaultSettings {
  /** The send is accepted, statuses follow, the socket is destroyed without an answer. */
  loseAnswer: Trigger;
  /** As above, but headers and half of the body are written before the socket dies, after `stallMs`. */
  loseAnswerAfterHeaders: Trigger & { stallMs: number };
  /** The send is accepted and never answered, the socket stays open. */
  hangAnswer: Trigger;
  /** The answer comes whole, but stands still for `stallMs` in the middle of its body. */
  stallAnswer: Trigger & { stallMs: number };
  /** The same bytes are delivered again: at once beside the first, or up to `maxMs` later. */
  duplicateWebhook: Trigger & { maxMs: number };
  /** An update waits up to `maxMs` before it is delivered, so later ones overtake it. */
  shuffleWebhooks: Trigger & { maxMs: number };
  /** A webhook starts on its way so much later, with everything that is in it. */
  delayWebhooks: Trigger & RangeMs;
  /** The first `attempts` deliveries of a webhook never arrive; Meta retries them as after any failure. */
  dropWebhooks: Trigger & { attempts: number };
  /** Updates of one WABA wait up to `waitMs` and leave in one POST of at most `updatesMax` (1: off). */
  batchWebhooks: { updatesMax: number; waitMs: number };
  /** The answer to a send is kept back until its `sent` status was answered, at most `waitMaxMs`. */
  statusBeforeAnswer: Trigger & { waitMaxMs: number };
  /** A status is never told. `statuses` limits the fault to some of them. */
  statusLost: Trigger & { statuses: readonly string[] | null };
  statusLate: Trigger & RangeMs;
  /** Accepted, then a `failed` status with this code instead of `sent`. */
  failAfterAccept: Trigger & { code: number };
  graphError: GraphErrorFault[];
  /** The access token is refused by every call, as if it had expired (463) or been taken back (467) in the meantime. */
  tokenRefused: Trigger & { subcode: number };
  /** A 5xx with an empty body, as from a proxy in front of Meta. */
  http5xxWithoutBody: Trigger & { httpStatus: number; accept: boolean };
  /** A call that manages a WABA is refused: 80007 for the WABA, 4 for the app. */
  managementLimit: Trigger & { code: number; minutes: number };
  /** Every Graph answer takes this long. */
  latencyMs: RangeMs;
  /** An attempt carries a wrong signature; a refused one is retried and drawn anew. */
  badSignature: Trigger;
  /** An extra, properly signed webhook of `bytes` bytes that nobody needs, delivered once. */
  oversized: Trigger & { bytes: number };
}

const trigger = (): Trigger => ({ rate: 0, next: 0, phoneNumberId: null, fromMs: null, untilMs: null });

export function defaultFaults(): FaultSettings {
  return {
    loseAnswer: trigger(),
    loseAnswerAfterHeaders: { ...trigger(), stallMs: 200 },
    hangAnswer: trigger(),
    stallAnswer: { ...trigger(), stallMs: 5_000 },
    duplicateWebhook: { ...trigger(), maxMs: 5_000 },
    shuffleWebhooks: { ...trigger(), maxMs: 2_000 },
    delayWebhooks: { ...trigger(), minMs: 5_000, maxMs: 60_000 },
    dropWebhooks: { ...trigger(), attempts: 1 },
    batchWebhooks: { updatesMax: 1, waitMs: 100 },
    statusBeforeAnswer: { ...trigger(), waitMaxMs: 5_000 },
    statusLost: { ...trigger(), statuses: null },
    statusLate: { ...trigger(), minMs: 60_000, maxMs: 600_000 },
    failAfterAccept: { ...trigger(), code: 131026 },
    graphError: [],
    tokenRefused: { ...trigger(), subcode: 463 },
    http5xxWithoutBody: { ...trigger(), httpStatus: 502, accept: false },
    managementLimit: { ...trigger(), code: 80007, minutes: 5 },
    latencyMs: { minMs: 0, maxMs: 0 },
    badSignature: trigger(),
    oversized: { ...trigger(), bytes: 4_000_000 },
  };
}

const WORDS_OF_FAULTS: SettingWords = {
  'faults.statusLost.statuses': ['sent', 'delivered', 'read', 'played', 'failed'],
};

const defaultGraphError = (): GraphErrorFault => ({
  ...trigger(),
  code: 131000,
  httpStatus: null,
  accept: false,
});

export interface Faults {
  readonly settings: FaultSettings;
  /** Lays a partial settings object over the current one; null for a fault switches it off. */
  set(patch: unknown, nowMs?: number): FaultSettings;
  clear(): void;
  /** The time of everything that follows and names none. */
  moveTo(nowMs: number): void;
  fires(fault: Trigger, phoneNumberId: string | null, nowMs?: number): boolean;
  drawGraphError(phoneNumberId: string): GraphErrorFault | null;
}

function readMs(given: JsonObject, key: string, path: string): number | undefined {
  const value = given[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new ControlError(`The setting "${path}.${key}" must be a number of milliseconds of at least 0.`);
}

/** `afterMs` and `forMs` as the times they mean, so that the setting says when it fires. */
function withTimes(given: unknown, path: string, nowMs: number): unknown {
  const patch = readObject(given);
  if (!patch) return given;
  const { afterMs: _after, forMs: _for, ...fault } = patch;
  const afterMs = readMs(patch, 'afterMs', path);
  const forMs = readMs(patch, 'forMs', path);
  const fromMs = afterMs === undefined ? readMs(patch, 'fromMs', path) : nowMs + afterMs;
  const untilMs = forMs === undefined ? readMs(patch, 'untilMs', path) : (fromMs ?? nowMs) + forMs;
  return {
    ...fault,
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

function mergeGraphErrors(given: unknown, nowMs: number): GraphErrorFault[] {
  const list = readArray(given) ?? (readObject(given) ? [given] : undefined);
  if (!list) throw new ControlError('"faults.graphError" must be an object or a list of objects.');
  const path = 'faults.graphError';
  return list.map((each) =>
    mergeSettings({
      ...{ current: defaultGraphError(), patch: withTimes(each, path, nowMs) },
      ...{ defaults: defaultGraphError(), path },
    }),
  );
}

/** The setting's name; for an answered error also its code: `graphError.130429`. */
function nameOf(settings: FaultSettings, fault: Trigger): string {
  const found = Object.entries(settings).find(([, each]) => each === fault);
  return found?.[0] ?? `graphError.${(fault as GraphErrorFault).code}`;
}

export interface FaultsOptions {
  readonly random: Random;
  /** Told each time a fault fires. */
  readonly onFired?: (name: string) => void;
}

export function createFaults({ random, onFired }: FaultsOptions): Faults {
  let settings = defaultFaults();
  let lastMs = 0;
  const isDue = (fault: Trigger, phoneNumberId: string | null, nowMs: number): boolean => {
    if (fault.next <= 0 && fault.rate <= 0) return false;
    if (fault.phoneNumberId !== null && fault.phoneNumberId !== phoneNumberId) return false;
    if (fault.fromMs !== null && nowMs < fault.fromMs) return false;
    if (fault.untilMs !== null && nowMs >= fault.untilMs) return false;
    if (fault.next > 0) {
      fault.next -= 1;
      return true;
    }
    return drawChance(random, fault.rate);
  };
  const fires = (fault: Trigger, phoneNumberId: string | null, nowMs = lastMs): boolean => {
    const fired = isDue(fault, phoneNumberId, nowMs);
    if (fired) onFired?.(nameOf(settings, fault));
    return fired;
  };
  return {
    get settings() {
      return settings;
    },
    set(patch, nowMs = lastMs) {
      const given = readObject(patch);
      if (!given)
        throw new ControlError('The faults must be a JSON object: { "loseAnswer": { "rate": 0.1 } }.');
      const { graphError, ...others } = given;
      const graphErrors =
        graphError === undefined
          ? settings.graphError
          : graphError === null
            ? []
            : mergeGraphErrors(graphError, nowMs);
      const timed = Object.fromEntries(
        Object.entries(others).map(([name, each]) => [name, withTimes(each, `faults.${name}`, nowMs)]),
      );
      const merged = mergeSettings({
        ...{ current: settings, patch: timed, defaults: defaultFaults(), path: 'faults' },
        words: WORDS_OF_FAULTS,
      });
      settings = structuredClone({ ...merged, graphError: graphErrors });
      return settings;
    },
    clear() {
      settings = defaultFaults();
    },
    moveTo(nowMs) {
      lastMs = nowMs;
    },
    fires,
    drawGraphError: (phoneNumberId) =>
      settings.graphError.find((fault) => fires(fault, phoneNumberId)) ?? null,
  };
}

/**
 * The faults this look-alike can make, each by rate (0..1), by count ("the next n"), or both, all changeable while it
 * runs. A fault that is not listed here does not exist: names and values are checked when they are set.
 *
 * To add a fault: add it to `FaultSettings` and `defaultFaults()`, and ask `fires(...)` where it bites.
 */
import type { Random, RangeMs } from './draw.ts';
import { drawChance } from './draw.ts';
import { readArray, readObject } from './json-reading.ts';
import { ControlError, mergeSettings } from './setting-merge.ts';

export interface Trigger {
  rate: number;
  /** Fires for the next n occasions whatever the rate, counting down. */
  next: number;
  /** Only for this phone number; null for all. */
  phoneNumberId: string | null;
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
  /** The same bytes are delivered again: at once beside the first, or up to `maxMs` later. */
  duplicateWebhook: Trigger & { maxMs: number };
  /** An update waits up to `maxMs` before it is delivered, so later ones overtake it. */
  shuffleWebhooks: Trigger & { maxMs: number };
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
  /** A 5xx with an empty body, as from a proxy in front of Meta. */
  http5xxWithoutBody: Trigger & { httpStatus: number; accept: boolean };
  /** Every Graph answer takes this long. */
  latencyMs: RangeMs;
  /** An attempt carries a wrong signature; a refused one is retried and drawn anew. */
  badSignature: Trigger;
  /** An extra, properly signed webhook of `bytes` bytes that nobody needs, delivered once. */
  oversized: Trigger & { bytes: number };
}

const trigger = (): Trigger => ({ rate: 0, next: 0, phoneNumberId: null });

export function defaultFaults(): FaultSettings {
  return {
    loseAnswer: trigger(),
    loseAnswerAfterHeaders: { ...trigger(), stallMs: 200 },
    hangAnswer: trigger(),
    duplicateWebhook: { ...trigger(), maxMs: 5_000 },
    shuffleWebhooks: { ...trigger(), maxMs: 2_000 },
    batchWebhooks: { updatesMax: 1, waitMs: 100 },
    statusBeforeAnswer: { ...trigger(), waitMaxMs: 5_000 },
    statusLost: { ...trigger(), statuses: null },
    statusLate: { ...trigger(), minMs: 60_000, maxMs: 600_000 },
    failAfterAccept: { ...trigger(), code: 131026 },
    graphError: [],
    http5xxWithoutBody: { ...trigger(), httpStatus: 502, accept: false },
    latencyMs: { minMs: 0, maxMs: 0 },
    badSignature: trigger(),
    oversized: { ...trigger(), bytes: 4_000_000 },
  };
}

const defaultGraphError = (): GraphErrorFault => ({
  ...trigger(),
  code: 131000,
  httpStatus: null,
  accept: false,
});

export interface Faults {
  readonly settings: FaultSettings;
  /** Lays a partial settings object over the current one; null for a fault switches it off. */
  set(patch: unknown): FaultSettings;
  clear(): void;
  fires(fault: Trigger, phoneNumberId: string | null): boolean;
  drawGraphError(phoneNumberId: string): GraphErrorFault | null;
}

function mergeGraphErrors(given: unknown): GraphErrorFault[] {
  const list = readArray(given) ?? (readObject(given) ? [given] : undefined);
  if (!list) throw new ControlError('"faults.graphError" must be an object or a list of objects.');
  return list.map((each) =>
    mergeSettings(defaultGraphError(), each, defaultGraphError(), 'faults.graphError'),
  );
}

export function createFaults(random: Random): Faults {
  let settings = defaultFaults();
  const fires = (fault: Trigger, phoneNumberId: string | null): boolean => {
    if (fault.next <= 0 && fault.rate <= 0) return false;
    if (fault.phoneNumberId !== null && fault.phoneNumberId !== phoneNumberId) return false;
    if (fault.next > 0) {
      fault.next -= 1;
      return true;
    }
    return drawChance(random, fault.rate);
  };
  return {
    get settings() {
      return settings;
    },
    set(patch) {
      const given = readObject(patch);
      if (!given)
        throw new ControlError('The faults must be a JSON object: { "loseAnswer": { "rate": 0.1 } }.');
      const { graphError, ...others } = given;
      const graphErrors =
        graphError === undefined
          ? settings.graphError
          : graphError === null
            ? []
            : mergeGraphErrors(graphError);
      const merged = mergeSettings(settings, others, defaultFaults(), 'faults');
      settings = structuredClone({ ...merged, graphError: graphErrors });
      return settings;
    },
    clear() {
      settings = defaultFaults();
    },
    fires,
    drawGraphError: (phoneNumberId) =>
      settings.graphError.find((fault) => fires(fault, phoneNumberId)) ?? null,
  };
}

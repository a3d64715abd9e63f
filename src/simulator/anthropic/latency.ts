/**
 * How long a provider takes. A range (both ends equal: fixed), a log-normal distribution by its median and its 99th
 * percentile, or any distribution by its percentiles. One draw of chance each, so that the same seed takes the same times;
 * none where the time is certain.
 */

import { readArray, readNumber } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import { drawMs, type Random, type RangeMs } from '../draw.ts';

export interface LatencySettings {
  /** Counts where neither of the others is set. */
  latencyMs: RangeMs;
  /** Off at a median of 0. */
  latencyLogNormal: { medianMs: number; p99Ms: number };
  /** Pairs of percent and ms in rising order, e.g. [[50, 800], [95, 4000], [100, 20000]]; before the others where not empty. */
  latencyPercentiles: ReadonlyArray<readonly [percent: number, ms: number]>;
}

export const defaultLatency = (): LatencySettings => ({
  latencyMs: { minMs: 0, maxMs: 0 },
  latencyLogNormal: { medianMs: 0, p99Ms: 0 },
  latencyPercentiles: [],
});

/** How many standard deviations the 99th percentile lies above the median. */
const deviationsOfP99 = 2.3263478740408408;

export function drawLatency(random: Random, settings: LatencySettings): number {
  const { latencyMs, latencyLogNormal, latencyPercentiles } = settings;
  if (latencyPercentiles.length > 0) return Math.round(atPercent(latencyPercentiles, 100 * random()));
  const { medianMs, p99Ms } = latencyLogNormal;
  if (medianMs <= 0) return drawMs(random, latencyMs);
  if (p99Ms <= medianMs) return medianMs;
  const deviation = Math.log(p99Ms / medianMs) / deviationsOfP99;
  return Math.round(medianMs * Math.exp(deviation * normalQuantile(random())));
}

/** @throws ControlError where the settings contradict themselves. */
export function checkLatency(settings: LatencySettings, path: string): void {
  const { latencyMs, latencyLogNormal, latencyPercentiles } = settings;
  if (latencyMs.maxMs < latencyMs.minMs)
    throw new ControlError(
      `"${path}.latencyMs" ends at ${latencyMs.maxMs} before it begins at ${latencyMs.minMs}.`,
    );
  if (latencyLogNormal.medianMs > 0 && latencyLogNormal.p99Ms < latencyLogNormal.medianMs)
    throw new ControlError(`"${path}.latencyLogNormal" needs a "p99Ms" of at least its "medianMs".`);
  let [percentBefore, msBefore] = [0, 0];
  for (const each of readArray(latencyPercentiles) ?? [null]) {
    const [percent, ms] = (readArray(each) ?? []).map(readNumber);
    const isRising = percent !== undefined && ms !== undefined && percent > percentBefore && ms >= msBefore;
    if (!isRising || percent > 100)
      throw new ControlError(
        `"${path}.latencyPercentiles" must be pairs of percent and ms that rise, up to 100 percent: [[50, 800], [95, 4000], [100, 20000]].`,
      );
    [percentBefore, msBefore] = [percent, ms];
  }
}

/** Straight lines between the percentiles; from nothing to the first, and flat behind the last. */
function atPercent(percentiles: LatencySettings['latencyPercentiles'], percent: number): number {
  let [percentBefore, msBefore] = [0, 0];
  for (const [upTo, ms] of percentiles) {
    if (percent <= upTo) {
      const part = (percent - percentBefore) / (upTo - percentBefore);
      return msBefore + part * (ms - msBefore);
    }
    [percentBefore, msBefore] = [upTo, ms];
  }
  return msBefore;
}

const centre = {
  above: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ],
  below: [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
  ],
} as const;
const tail = {
  above: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  below: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
} as const;
const tailBegins = 0.02425;

const polynomial = (factors: readonly number[], x: number): number =>
  factors.reduce((sum, factor) => sum * x + factor, 0);

/** The inverse of the normal distribution, by Acklam's rational approximation (relative error under 1.2e-9). */
function normalQuantile(chance: number): number {
  // Chance may be exactly 0, where the quantile is endless.
  const p = Math.min(1 - 1e-12, Math.max(1e-12, chance));
  if (p > 1 - tailBegins) return -normalQuantile(1 - p);
  if (p < tailBegins) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(tail.above, q) / polynomial(tail.below, q);
  }
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(centre.above, r) * q) / polynomial(centre.below, r);
}

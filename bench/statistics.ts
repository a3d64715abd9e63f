/** Exact percentiles over all samples, and medians over rounds. No histogram, so nothing is rounded into a bucket. */

/** The smallest sample that at least this share (0 to 1) of the samples does not exceed. */
export function percentile(samples: readonly number[] | Float64Array, share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

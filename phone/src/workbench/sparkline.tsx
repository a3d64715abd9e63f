/** Answer times of the last minute: the median as a line, the slowest twentieth as an area. Drawn by hand, in one size. */
import { type AnswerSecond, quantileOf } from './questions.ts';
import { durationOf } from './wording.ts';

export const sparkSeconds = 60;
const height = 100;
/** A chart of a few milliseconds would be all noise. */
const scaleMinMs = 50;

interface Point {
  second: number;
  medianMs: number;
  slowMs: number;
}

/** What is over does not change, so it is not sorted again. */
const known = new Map<number, { count: number; point: Point }>();

function pointOf({ second, tookMs }: AnswerSecond): Point {
  const found = known.get(second);
  if (found?.count === tookMs.length) return found.point;
  const point = { second, medianMs: quantileOf(tookMs, 0.5) ?? 0, slowMs: quantileOf(tookMs, 0.95) ?? 0 };
  known.set(second, { count: tookMs.length, point });
  while (known.size > sparkSeconds * 2) known.delete(known.keys().next().value ?? 0);
  return point;
}

interface SparklineProps {
  seconds: readonly AnswerSecond[];
  nowMs: number;
}

export function Sparkline({ seconds, nowMs }: SparklineProps) {
  const end = Math.floor(nowMs / 1_000);
  const recent = seconds.filter(({ second }) => second > end - sparkSeconds && second <= end);
  const points = recent.map(pointOf);
  const topMs = Math.max(scaleMinMs, ...points.map(({ slowMs }) => slowMs));
  const x = (second: number) => (second - end + sparkSeconds).toFixed(1);
  const y = (ms: number) => (height - (ms / topMs) * (height - 4)).toFixed(1);
  const line = (of: (point: Point) => number) =>
    points.map((point) => `${x(point.second)},${y(of(point))}`).join(' L');
  const first = points[0];
  const last = points.at(-1);
  const label = last
    ? `Answer times of the last minute: in the newest second the median is ${durationOf(last.medianMs)}; the slowest took ${durationOf(topMs)}`
    : 'No answers in the last minute';
  return (
    <div class="wb-spark">
      <span class="wb-spark-top" aria-hidden="true">
        {points.length > 0 ? durationOf(topMs) : ''}
      </span>
      <svg viewBox={`0 0 ${sparkSeconds} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {first && last && (
          <>
            <path
              class="wb-spark-slow"
              d={`M${x(first.second)},${height} L${line(({ slowMs }) => slowMs)} L${x(last.second)},${height} Z`}
            />
            <path class="wb-spark-median" d={`M${line(({ medianMs }) => medianMs)} l0.01,0`} />
          </>
        )}
      </svg>
    </div>
  );
}

/** How durations, times and figures are put into words on the workbench. */
const units = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
] as const;

/** `3 ms`, `1.2 s`, `4 min 10 s`, `25 h`, `3 d 2 h`. */
export function durationOf(tookMs: number): string {
  const ms = Math.max(0, tookMs);
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(ms < 9_950 ? 2 : 1).replace(/\.?0+$/, '')} s`;
  return longDurationOf(ms);
}

function longDurationOf(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  // Two days are days; 25 hours stay hours, since that is what was asked for.
  const biggest = units.find(({ name, ms: unit }) => ms >= unit * (name === 'd' ? 3 : 1)) ?? units[2];
  const next = units[units.indexOf(biggest) + 1];
  const count = Math.floor((seconds * 1_000) / biggest.ms);
  const restMs = seconds * 1_000 - count * biggest.ms;
  const rest = next === undefined ? Math.round(restMs / 1_000) : Math.floor(restMs / next.ms);
  return rest === 0 ? `${count} ${biggest.name}` : `${count} ${biggest.name} ${rest} ${next?.name ?? 's'}`;
}

const count = new Intl.NumberFormat();
export const countOf = (value: number): string => count.format(value);

const date = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
export const dateOf = (atMs: number): string => date.format(atMs);

const time = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
export const clockTimeOf = (atMs: number): string => time.format(atMs);

const exact = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});
export const exactTimeOf = (atMs: number): string => exact.format(atMs);

export const percentOf = (rate: number): string => `${Math.round(rate * 100)} %`;

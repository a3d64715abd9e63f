/** What the commands about money answer, in words. Amounts are exact: millionths, written out. */
import type { LedgerReport } from '#core/ports/store-money.ts';
import type { LimitReport } from '#runtime/money-commands.ts';
import { paint, table } from './show.ts';

export function ledgerInWords({ rows, unbalanced }: LedgerReport): string {
  const groups = (['tenantId', 'contactId', 'activity', 'day'] as const).filter((group) =>
    rows.some((row) => row[group] !== null),
  );
  const heads = { tenantId: 'TENANT', contactId: 'CONTACT', activity: 'ACTIVITY', day: 'DAY' };
  const sums = table(
    [
      ...groups.map((group) => heads[group]),
      ...['STARTS', 'SPENT', 'OF IT PRESUMED', 'RESERVED', 'UNCERTAIN', 'RETURNED', 'CURRENCY'],
    ],
    rows.map((row) => [
      ...groups.map((group) => row[group]),
      row.starts,
      ...[row.spentMicros, row.presumedMicros, row.reservedMicros, row.uncertainMicros].map(amountOf),
      amountOf(row.returnedMicros),
      row.currency,
    ]),
    'Nothing was reserved.',
  );
  if (unbalanced === 0) return sums;
  return `${sums}\n${paint('red', `${unbalanced} entries do not add up: somebody has written into the database.`)}`;
}

export function limitsInWords(limits: LimitReport[]): string {
  return table(
    ['TENANT', 'LIMIT', 'WINDOW', 'MAX', 'WINDOWS', 'USED', 'REFUSED', 'WOULD HAVE REFUSED'],
    limits.map((row) => {
      const show = row.unit === 'micros' ? amountOf : String;
      return [
        row.tenantId,
        row.limit,
        spanOf(row.windowMs),
        show(row.max),
        row.windows,
        show(row.used),
        row.refusals,
        row.wouldRefuse.map(({ max, units }) => `${show(units)} at ${show(max)}`).join(', '),
      ];
    }),
    'No limit was used.',
  );
}

/** Two digits at least, six at most. */
export function amountOf(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${fraction}`;
}

function spanOf(windowMs: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [ms, unit] = units.find(([each]) => windowMs % each === 0) ?? [1, 'ms'];
  return `${windowMs / ms} ${unit}`;
}

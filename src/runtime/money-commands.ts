/**
 * The commands about money: what the ledger adds up to, and what limits did. Reads only.
 */
import { Fault } from '#core/model/faults.ts';
import type {
  LedgerGroup,
  LedgerQuery,
  LedgerReport,
  LimitRow,
  MoneyStore,
} from '#core/ports/store-money.ts';

type Args = Record<string, unknown>;
type Reader = Pick<MoneyStore, 'readLedger' | 'readLimits'>;

const groups: readonly LedgerGroup[] = ['tenant', 'contact', 'activity', 'day'];
const dayForm = /^\d{4}-\d{2}-\d{2}$/;

/** A limit with what other maxima would have refused. */
export interface LimitReport extends LimitRow {
  wouldRefuse: { max: number; units: number }[];
}

/** @throws Fault badRequest */
export async function readLedgerFor(store: Reader, args: Args): Promise<LedgerReport> {
  const { tenantId, contactId, activity } = args;
  const [day, from, to] = [dayOf(args, 'day'), dayOf(args, 'from'), dayOf(args, 'to')];
  if (day !== undefined && (from !== undefined || to !== undefined))
    throw new Fault('badRequest', 'Name either a day or a span of days by from and to.');
  const query: LedgerQuery = {
    ...(typeof tenantId === 'string' && { tenantId }),
    ...(typeof contactId === 'string' && { contactId }),
    ...(typeof activity === 'string' && { activity }),
    ...((day ?? from) !== undefined && { fromDay: day ?? from ?? '' }),
    ...((day ?? to) !== undefined && { toDay: day ?? to ?? '' }),
    by: groupsOf(args.per),
  };
  return store.readLedger(query);
}

function dayOf(args: Args, key: string): string | undefined {
  const value = args[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && dayForm.test(value) && !Number.isNaN(Date.parse(value))) return value;
  throw new Fault('badRequest', `"${key}" must be a day in UTC, e.g. 2026-01-31.`);
}

function groupsOf(per: unknown): LedgerGroup[] {
  if (per === undefined) return ['tenant', 'activity', 'day'];
  const words = String(per)
    .split(',')
    .map((word) => word.trim());
  return words.map((word) => {
    const group = groups.find((each) => each === word);
    if (group === undefined)
      throw new Fault('badRequest', `Sums are per ${groups.join(', ')}; "${word}" is none of them.`);
    return group;
  });
}

/** @throws Fault badRequest */
export async function readLimitsFor(store: Reader, args: Args, nowMs: number): Promise<LimitReport[]> {
  const { tenantId, limit } = args;
  const days = Number(args.days ?? 30);
  if (!(days > 0)) throw new Fault('badRequest', '"days" must be a number over 0.');
  const rows = await store.readLimits({
    ...(typeof tenantId === 'string' && { tenantId }),
    ...(typeof limit === 'string' && { limit }),
    sinceMs: nowMs - days * 86_400_000,
  });
  const asked = maximaOf(args.max);
  return rows.map((row) => ({
    ...row,
    wouldRefuse: (asked ?? aroundOf(row)).map((max) => refusedAt(row, max)),
  }));
}

function maximaOf(max: unknown): number[] | undefined {
  if (max === undefined) return undefined;
  const maxima = String(max).split(',').map(Number);
  if (maxima.every((each) => Number.isSafeInteger(each) && each >= 0)) return maxima;
  throw new Fault('badRequest', '"max" must be whole numbers, e.g. 3 or 3,5,10.');
}

/** Half of it, itself, and twice. */
function aroundOf({ max }: LimitRow): number[] {
  return [...new Set([Math.floor(max / 2), max, max * 2])];
}

/** What was asked for beyond `max`, window by window. */
function refusedAt({ demand }: LimitRow, max: number): { max: number; units: number } {
  const units = demand.reduce((sum, { amount, windows }) => sum + Math.max(0, amount - max) * windows, 0);
  return { max, units };
}

/**
 * The ledger: what becomes of the money that one start of paid work reserves. An entry stands for one request to a
 * provider, as far as the provider can tell requests apart: what is asked again under the same idempotency key is the same
 * entry. It is reserved in the turn's commit and ends once, settled or refunded; what nobody can know is uncertain, stays
 * reserved and is seen. Refunds need proof. To add an event or a state, add it to the table, to docs/spec/ledger.md, and
 * its postings below.
 */

/** What is done about a request to a provider of which nobody knows whether it was charged for. */
export type OnUncertain =
  /** Asked again with the same key, which the provider honours: it charges once, whatever comes. */
  | 'retryWithKey'
  /** The provider is asked what became of the request. */
  | 'lookup'
  /** Counted as spent, not repeated; a person is asked. */
  | 'settleAndFlag'
  /** Counted as spent, and asked anew. */
  | 'retryMayPayTwice';

/** What becomes of a paid result that comes after its visit is over. */
export type LateRule =
  | 'discard'
  /** Kept for the contact's next start with equal input, which then costs nothing. */
  | 'reuse';

export const ledgerStates = ['reserved', 'calling', 'uncertain', 'asking', 'settled', 'refunded'] as const;
/** `asking`: an uncertain one is asked again under its key. What is not charged then says nothing of what was before. */
export type LedgerState = (typeof ledgerStates)[number];
/** Those in which money is held: at most one entry of an activity is in one of them. */
export type OpenLedgerState = Exclude<LedgerState, 'settled' | 'refunded'>;

export const ledgerEvents = [
  'begin',
  'notCharged',
  'disproved',
  'charged',
  'release',
  'lost',
  'presume',
] as const;
/**
 * `begin`: a request is about to be written. `notCharged`: it certainly cost nothing. `disproved`: the provider was asked
 * and no earlier request cost anything. `charged`: it did, so much. `release`: nothing was or will be asked. `lost`: nobody
 * saw how it ended. `presume`: it is counted as spent, without proof.
 */
export type LedgerEvent = (typeof ledgerEvents)[number];

/** What an event makes of an entry; `never` is a bug of the caller, who must have looked at the state. */
export const ledgerTransitions: Readonly<
  Record<LedgerState, Readonly<Record<LedgerEvent, LedgerState | 'never'>>>
> = {
  reserved: {
    begin: 'calling',
    notCharged: 'never',
    disproved: 'never',
    charged: 'never',
    release: 'refunded',
    lost: 'never',
    presume: 'never',
  },
  calling: {
    begin: 'never',
    notCharged: 'reserved',
    disproved: 'never',
    charged: 'settled',
    release: 'never',
    lost: 'uncertain',
    presume: 'never',
  },
  uncertain: {
    begin: 'asking',
    notCharged: 'never',
    disproved: 'reserved',
    charged: 'settled',
    release: 'never',
    lost: 'never',
    presume: 'settled',
  },
  asking: {
    begin: 'never',
    notCharged: 'uncertain',
    disproved: 'never',
    charged: 'settled',
    release: 'never',
    lost: 'uncertain',
    presume: 'never',
  },
  settled: {
    begin: 'never',
    notCharged: 'never',
    disproved: 'never',
    charged: 'never',
    release: 'never',
    lost: 'never',
    presume: 'never',
  },
  refunded: {
    begin: 'never',
    notCharged: 'never',
    disproved: 'never',
    charged: 'never',
    release: 'never',
    lost: 'never',
    presume: 'never',
  },
};

/** Where money stands. Every posting moves an amount from one place to another, so their sum is always zero. */
export const ledgerPlaces = ['budget', 'reserved', 'uncertain', 'spent'] as const;
export type LedgerPlace = (typeof ledgerPlaces)[number];

/** The place that holds an entry's money in each state. A settled entry has what it did not cost back in the budget. */
export const placeOf: Readonly<Record<LedgerState, LedgerPlace>> = {
  reserved: 'reserved',
  calling: 'reserved',
  uncertain: 'uncertain',
  asking: 'uncertain',
  settled: 'spent',
  refunded: 'budget',
};

export interface Posting {
  from: LedgerPlace;
  to: LedgerPlace;
  amountMicros: number;
}

/** What moves when an entry goes from one state to another; `spentMicros` counts where it is settled. */
export function postingsOf(
  from: LedgerState,
  to: LedgerState,
  money: { reservedMicros: number; spentMicros: number },
): Posting[] {
  const moves: Posting[] =
    to === 'settled'
      ? [
          { from: placeOf[from], to: 'spent', amountMicros: money.spentMicros },
          { from: placeOf[from], to: 'budget', amountMicros: money.reservedMicros - money.spentMicros },
        ]
      : [{ from: placeOf[from], to: placeOf[to], amountMicros: money.reservedMicros }];
  return moves.filter((each) => each.from !== each.to && each.amountMicros > 0);
}

/** The provider's name for a request: the same for whatever it shall take for the same. */
export function idempotencyKeyOf(activityId: string, request: number): string {
  return request === 1 ? activityId : `${activityId}-${request}`;
}

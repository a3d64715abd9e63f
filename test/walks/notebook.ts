/**
 * What a run did, counted, and what customers did that may cost money: every tap and every typed answer, by its wamid. The
 * checks read it beside the store and the provider's books.
 */
export class Notebook {
  readonly figures = new Map<string, number>();
  /** The same button of the same question is one cause, however often and in however many messages it is tapped. */
  readonly causes = new Map<string, string>();

  count(what: string, times = 1): void {
    this.figures.set(what, (this.figures.get(what) ?? 0) + times);
  }

  of(what: string): number {
    return this.figures.get(what) ?? 0;
  }
}

/** What must have happened at least once, or the run proves nothing about it. */
export const demanded = [
  'customers',
  'messages',
  'taps',
  'double taps',
  'triple taps',
  'taps on old buttons',
  'typed answers',
  'wrong answers',
  'voice notes',
  'stickers',
  'other media',
  'reactions',
  'cancels',
  'menus',
  'helps',
  'calls for a person',
  'language switches',
  'free questions',
  'webhooks doubled',
  'kills',
  'kills while it draws',
  'requests to the provider',
  'provider failures',
  'provider hangs',
  'provider answers lost',
  'charges',
  'settled',
  'uncertain at some time',
  'refunded',
  'refused by a limit',
  'pages paid',
  'pages closed unpaid',
  'payment events doubled',
  'payment events late',
  'orders confirmed',
  'hand-backs',
] as const;

/** Where hours pass and wakes are ours. */
export const demandedOfTime = [
  'silences of hours',
  'silences of days',
  'reminders',
  'welcomes back',
  'wakes lost',
  'wakes repeated',
] as const;

/** Counts what happened outside, as the journal has it, beside what the witness saw inside. */
import type { Observation } from './journal.ts';
import type { RateName } from './plan.ts';
import type { StoreWrite } from './store-writes.ts';
import type { Universe } from './universe.ts';

/** What the provider makes of a request where something goes wrong. */
export const providedWords: Readonly<Partial<Record<RateName, string>>> = {
  providerBusy: 'paid requests refused, free',
  providerFails: 'paid requests that failed, free',
  providerFailsCharged: 'paid requests that failed, charged',
  providerHangs: 'paid requests that hung, free',
  providerHangsCharged: 'paid requests that hung, charged',
  providerLosesAnswer: 'charges whose answer was lost',
  providerAnswersLate: 'charges that were answered late',
};

export const lostWords = (method: StoreWrite) => `answers of ${method} lost`;

const tellingWords = new Map([
  [202, 'events of the business'],
  [200, 'events of the business taken twice'],
]);

class Tally {
  readonly counts: Record<string, number> = {};
  readonly #messages = new Set<string>();
  readonly #buttons = new Set<string>();

  /** Whether it was there before. */
  #again(known: Set<string>, item: string): boolean {
    const isKnown = known.has(item);
    known.add(item);
    return isKnown;
  }

  see(seen: Observation): void {
    for (const name of this.#namesOf(seen)) this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  #namesOf(seen: Observation): string[] {
    switch (seen.kind) {
      case 'acknowledged':
        return this.#acknowledged(seen);
      case 'process':
        return [seen.what];
      case 'arrived':
        return [seen.wamid === null ? 'sends refused' : 'sends accepted'];
      case 'said':
        return ['messages', ...this.#tapped(seen.button)];
      case 'heard':
        return seen.how.startsWith('uncertain') ? ['answers lost'] : [];
      case 'fault':
        return ['store and command faults'];
      case 'answerLost':
        return [lostWords(seen.method)];
      case 'asked':
        return ['model calls'];
      case 'paidAsked':
        return ['paid requests'];
      case 'lookedUp':
        return ['charges looked up'];
      case 'provided':
        return [
          ...(seen.amountMicros === null ? [] : ['charges']),
          ...(seen.how === 'answers' ? [] : [providedWords[seen.how] ?? seen.how]),
        ];
      case 'tellingAnswered':
        return [tellingWords.get(seen.status) ?? 'events of the business refused'];
      default:
        return [];
    }
  }

  #tapped(button: string | undefined): string[] {
    if (button === undefined) return [];
    return [this.#again(this.#buttons, button) ? 'buttons tapped twice' : 'taps'];
  }

  #acknowledged({ status, messages }: Extract<Observation, { kind: 'acknowledged' }>): string[] {
    if (status !== 200) return ['webhooks refused'];
    const repeated = messages.filter((wamid) => this.#again(this.#messages, wamid));
    return ['webhooks taken', ...(repeated.length > 0 ? ['webhooks taken twice'] : [])];
  }
}

export function countsOf({ journal, witness }: Universe): Record<string, number> {
  const tally = new Tally();
  for (const seen of journal.seen) tally.see(seen);
  return { ...tally.counts, ...witness.counts };
}

/**
 * I8, seen by the model: it is asked only for activities that a turn has started, at most three times for each run of one,
 * and only an interruption grants another run.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';

export const askedWithinAttempts: MakeChecker = (view) => new Asked(view);

const attemptsMax = 3;

class Asked implements Checker {
  readonly invariant = 'I8';
  readonly #view: View;
  readonly #asked = new Map<string, number>();
  /** By activity, those who asked for it: a process that ends and comes back is another. */
  readonly #askers = new Map<string, Set<string>>();
  readonly #ends = new Map<number, number>();

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    if (seen.kind === 'process' && (seen.what === 'crashed' || seen.what === 'stopped'))
      this.#ends.set(seen.process, (this.#ends.get(seen.process) ?? 0) + 1);
    if (seen.kind !== 'asked') return;
    const { key, process, tenantId } = seen;
    const asked = (this.#asked.get(key) ?? 0) + 1;
    this.#asked.set(key, asked);
    const askers = this.#askers.get(key) ?? new Set();
    this.#askers.set(key, askers.add(`${process} ${this.#ends.get(process)}`));
    const row = this.#view.rows.get<{ restarts: number }>(
      'SELECT restarts FROM activity WHERE tenant_id = ? AND activity_id = ?',
      ...[tenantId, key],
    );
    if (row === undefined)
      this.#violated(
        `Process ${process} asked the model for activity ${key}, which no turn has started.`,
        key,
      );
    else if (askers.size > 1 + row.restarts)
      this.#violated(
        `${askers.size} processes asked the model for activity ${key}, which was interrupted ${row.restarts} times: one runs it until it is interrupted.`,
        key,
      );
    else if (asked > attemptsMax * (1 + row.restarts))
      this.#violated(
        `The model was asked ${asked} times for activity ${key}, which was interrupted ${row.restarts} times: ${attemptsMax} attempts are allowed for each run.`,
        key,
      );
  }

  #violated(what: string, key: string): void {
    this.#view.violated({ invariant: this.invariant, what, subjects: [key] });
  }
}

/**
 * I2 for what the business tells: however often it comes, through whichever process, an event is one row and stays what it
 * was; who was answered that it is stored finds it so; what was refused is in no mailbox; and a customer is told of it
 * once. Only a person who redrives a dead letter makes a second event of it.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation, Telling } from '../journal.ts';
import type { RowChange } from '../rows.ts';

export const toldOnce: MakeChecker = (view) => new Told(view);

const selectRows = `SELECT json_extract(content, '$.business.data.variant') AS variant FROM event
  WHERE tenant_id = ? AND kind = 'business' AND json_extract(content, '$.business.data.fact') = ?`;
const selectFact = `SELECT json_extract(content, '$.business.data.fact') AS fact FROM event
  WHERE tenant_id = ? AND conversation_id = ? AND position = ?`;
const countRedriven = `SELECT count(*) AS count FROM dead_letter d JOIN event e USING (tenant_id, conversation_id, position)
  WHERE e.tenant_id = ? AND e.kind = 'business' AND json_extract(e.content, '$.business.data.fact') = ? AND d.redriven_at_ms IS NOT NULL`;

class Told implements Checker {
  readonly invariant = 'I2';
  readonly #view: View;
  /** By tenant and fact, the variants that were answered as stored, and those that were only refused. */
  readonly #stored = new Map<string, Set<number>>();
  readonly #refused = new Map<string, [string, string]>();
  /** Tellings that nobody has heard of again: a process that was paused may take one long after. */
  readonly #unanswered = new Map<string, number>();
  /** By tenant and fact, the sends that thanked for it. */
  readonly #thanks = new Map<string, Set<string>>();

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      if (table !== 'event' || old !== null || row?.kind !== 'business') continue;
      const place = [String(row.tenant_id), String(row.conversation_id), Number(row.position)] as const;
      const fact = this.#view.rows.get<{ fact: string }>(selectFact, ...place)?.fact;
      // A merge in the same commit may have moved it already.
      if (fact !== undefined) this.#isOne(place[0], fact);
    }
  }

  see(seen: Observation): void {
    if (seen.kind === 'told') this.#wait(seen, 1);
    else if (seen.kind === 'tellingAnswered') this.#answered(seen);
    else if (seen.kind === 'arrived' && seen.wamid !== null) this.#thanked(seen);
  }

  end(): void {
    for (const [tenantId, fact] of this.#refused.values())
      if (this.#isOnlyRefused(`${tenantId} ${fact}`) && this.#rowsOf(tenantId, fact).length > 0)
        this.#violated(`${fact} of ${tenantId} was refused, and it is in a mailbox`, fact);
    for (const id of this.#stored.keys()) this.#isOne(...(id.split(' ') as [string, string]));
  }

  #isOnlyRefused(id: string): boolean {
    return !this.#stored.has(id) && this.#unanswered.get(id) === 0;
  }

  #wait({ tenantId, fact }: Telling, change: 1 | -1): void {
    const id = `${tenantId} ${fact}`;
    this.#unanswered.set(id, (this.#unanswered.get(id) ?? 0) + change);
  }

  #rowsOf(tenantId: string, fact: string): { variant: number }[] {
    return this.#view.rows.all(selectRows, tenantId, fact);
  }

  #redriven(tenantId: string, fact: string): number {
    return this.#view.rows.get<{ count: number }>(countRedriven, tenantId, fact)?.count ?? 0;
  }

  #isOne(tenantId: string, fact: string): void {
    const found = this.#rowsOf(tenantId, fact);
    if (found.length <= 1 + this.#redriven(tenantId, fact) && found.length > 0) return;
    this.#violated(
      `${fact} of ${tenantId} is in the mailboxes ${found.length} times, and should be once`,
      fact,
    );
  }

  #answered(seen: Extract<Observation, { kind: 'tellingAnswered' }>): void {
    const { tenantId, fact, variant, status } = seen;
    this.#wait(seen, -1);
    const id = `${tenantId} ${fact}`;
    if (status >= 400) this.#refused.set(id, [tenantId, fact]);
    if (status !== 200 && status !== 202) return;
    const stored = this.#stored.get(id) ?? new Set();
    this.#stored.set(id, stored.add(variant));
    const found = this.#rowsOf(tenantId, fact);
    if (!found.some((row) => row.variant === variant))
      this.#violated(
        `${fact} of ${tenantId} was answered ${status}, and it is in no mailbox as it was told`,
        fact,
      );
    else if (stored.size > 1)
      this.#violated(`${fact} of ${tenantId} was taken with different data under one key`, fact);
  }

  #thanked({ tenantId, text, sendId }: Extract<Observation, { kind: 'arrived' }>): void {
    const fact = /^thanks: (f\d+)$/.exec(text)?.[1];
    if (fact === undefined) return;
    const id = `${tenantId} ${fact}`;
    const sends = this.#thanks.get(id) ?? new Set();
    this.#thanks.set(id, sends.add(sendId));
    if (sends.size > 1 + this.#redriven(tenantId, fact))
      this.#violated(`A customer was told of ${fact} of ${tenantId} ${sends.size} times`, fact);
  }

  #violated(what: string, fact: string): void {
    this.#view.violated({ invariant: this.invariant, what: `${what}.`, subjects: [`"${fact}"`, fact] });
  }
}

/**
 * I10: nothing of one tenant is ever read or written for another: rows refer only to rows of their own tenant, a Graph call
 * carries the token of the tenant whose number it uses, and a customer's words reach no model call, number or customer
 * but their own.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';
import { contactAt, numberOf } from '../setting-up.ts';
import { SaidBook, wordsIn } from './said.ts';

const selectContact = 'SELECT 1 AS one FROM contact WHERE tenant_id = ? AND contact_id = ?';
/** Rows that refer to what their tenant does not have, each with what it is. */
const strays: readonly (readonly [string, string])[] = [
  ['a contact merged into a contact', stray('contact', 'merged_into', 'contact', 'contact_id')],
  ['an address of a contact', stray('contact_address', 'contact_id', 'contact', 'contact_id')],
  ['a conversation of a contact', stray('conversation', 'contact_id', 'contact', 'contact_id')],
  ['a conversation of a number', stray('conversation', 'phone_number_id', 'phone_number', 'phone_number_id')],
  [
    'a conversation merged into a conversation',
    stray('conversation', 'merged_into', 'conversation', 'conversation_id'),
  ],
  ['an event of a conversation', stray('event', 'conversation_id', 'conversation', 'conversation_id')],
  ['a send of a conversation', stray('send', 'conversation_id', 'conversation', 'conversation_id')],
  ['a send of a number', stray('send', 'phone_number_id', 'phone_number', 'phone_number_id')],
  ['an activity of a conversation', stray('activity', 'conversation_id', 'conversation', 'conversation_id')],
  ['a timer of a conversation', stray('timer', 'conversation_id', 'conversation', 'conversation_id')],
  ['a flag of a conversation', stray('flag', 'conversation_id', 'conversation', 'conversation_id')],
  [
    'a dead letter of a conversation',
    stray('dead_letter', 'conversation_id', 'conversation', 'conversation_id'),
  ],
  ['an event answered by a send', stray('event', 'end_ref', 'send', 'send_id', "r.end = 'answered'")],
  ['an event that a flag tells of', stray('event', 'end_ref', 'flag', 'flag_id', "r.end = 'flagged'")],
  ['a count of a contact', stray('limit_counter', 'scope', 'contact', 'contact_id', "r.scope LIKE 'ctc_%'")],
  ['a pace of a number', stray('pace', 'key', 'phone_number', 'phone_number_id', "r.scope = 'number'")],
];

function stray(table: string, column: string, to: string, id: string, where = 'true'): string {
  return `SELECT r.tenant_id, r.${column} AS id FROM ${table} r WHERE r.${column} IS NOT NULL AND ${where}
    AND NOT EXISTS (SELECT 1 FROM ${to} t WHERE t.tenant_id = r.tenant_id AND t.${id} = r.${column})`;
}

export const tenantsApart: MakeChecker = (view) => new TenantsApart(view);

class TenantsApart implements Checker {
  readonly invariant = 'I10';
  readonly #view: View;
  readonly #said = new SaidBook();
  readonly #tenantOfNumber = new Map<string, string>();
  readonly #tenantOfConversation = new Map<string, string>();

  constructor(view: View) {
    this.#view = view;
    for (const [at, tenant] of view.plan.tenants.entries())
      for (let number = 0; number < tenant.numbers; number += 1)
        this.#tenantOfNumber.set(numberOf(at, number), tenant.id);
  }

  see(seen: Observation): void {
    this.#said.see(seen);
    if (seen.kind === 'asked') {
      this.#wordsAreOf(
        seen.tenantId,
        seen.all,
        `the model was asked for tenant ${seen.tenantId} (${seen.key})`,
      );
    } else if (seen.kind === 'written' || seen.kind === 'arrived') {
      const owner = this.#tenantOfNumber.get(seen.phoneNumberId);
      const call = `send ${seen.sendId} left by number ${seen.phoneNumberId}`;
      if (owner !== seen.tenantId)
        this.#object(`${call} of tenant ${owner} with the token of ${seen.tenantId}`, [seen.sendId]);
      this.#wordsAreOf(owner ?? '', wordsIn(seen.text), call);
      this.#wordsGoTo(seen.phoneNumberId, contactAt(seen.to), wordsIn(seen.text), call);
    }
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      if (row === null || row.tenant_id === undefined) continue;
      const tenantId = String(row.tenant_id);
      if (table === 'conversation') {
        if (old === null) this.#tenantOfConversation.set(String(row.conversation_id), tenantId);
        if (row.contact_id !== old?.contact_id) this.#isContactOf(tenantId, row);
        if (row.merged_into !== null)
          this.#isConversationOf(tenantId, row.merged_into, 'A conversation is merged into');
      }
      if (row.conversation_id !== undefined && row.conversation_id !== old?.conversation_id)
        this.#isConversationOf(tenantId, row.conversation_id, `A row of ${table} refers to`);
      if (
        row.phone_number_id !== undefined &&
        this.#tenantOfNumber.get(String(row.phone_number_id)) !== tenantId
      )
        this.#object(
          `A row of ${table} of tenant ${tenantId} is about number ${row.phone_number_id} of another`,
          [String(row.phone_number_id)],
        );
    }
  }

  end(): void {
    for (const [what, sql] of strays)
      for (const row of this.#view.rows.all<{ tenant_id: string; id: string }>(sql))
        this.#object(`Tenant ${row.tenant_id} has ${what} ${row.id} that is not its own`, [row.id]);
  }

  #isContactOf(tenantId: string, row: Values): void {
    if (this.#view.rows.get(selectContact, tenantId, row.contact_id as string) === undefined)
      this.#object(
        `Conversation ${row.conversation_id} of tenant ${tenantId} is with contact ${row.contact_id}, whom that tenant does not have`,
        [String(row.conversation_id), String(row.contact_id)],
      );
  }

  #isConversationOf(tenantId: string, id: Values[string] | undefined, what: string): void {
    const owner = this.#tenantOfConversation.get(String(id));
    if (owner !== tenantId)
      this.#object(`${what} conversation ${id} of tenant ${owner ?? 'nobody'}, and it is of ${tenantId}`, [
        String(id),
      ]);
  }

  #wordsAreOf(tenantId: string, words: readonly string[], what: string): void {
    const people = new Set<string>();
    for (const word of words) {
      const said = this.#said.byWord(word);
      if (said === undefined) continue;
      people.add(`${said.contact} at ${said.phoneNumberId}`);
      if (said.tenantId !== tenantId)
        this.#object(
          `When ${what}, it said ${word}, which ${said.contact} wrote to tenant ${said.tenantId}`,
          [word],
        );
    }
    if (people.size > 1)
      this.#object(
        `When ${what}, it held words of ${[...people].join(' and ')}: those are different conversations`,
        [...words],
      );
  }

  #wordsGoTo(phoneNumberId: string, contact: string, words: readonly string[], what: string): void {
    for (const word of words) {
      const said = this.#said.byWord(word);
      if (said !== undefined && (said.contact !== contact || said.phoneNumberId !== phoneNumberId))
        this.#object(
          `When ${what} to ${contact}, it said ${word}, which ${said.contact} wrote to number ${said.phoneNumberId}`,
          [word],
        );
    }
  }

  #object(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: 'I10', what: `${what}.`, subjects });
  }
}

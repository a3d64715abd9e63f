/**
 * The stage of a page's cell: the scene of the conformance cases on an in-memory SQLite store, whose rows can be looked
 * at with SQL of the test's own, and the few verbs that several lifecycles need: a merge, a take-over, retention.
 */
import type { SQLInputValue } from 'node:sqlite';
import type { Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { TurnCommitted } from '#core/ports/store.ts';
import { type Database, openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { dayMs, hourMs, Scene, secondMs } from '#testing/store-conformance/scene.ts';

export type Row = Record<string, SQLInputValue>;

/** The customer that a cell is about, known by phone only, and the same person known by id only before a merge. */
export const customer: Sender = { phone: '15550001111' };
export const byId: Sender = { bsuid: 'US.1' };
const whole: Sender = { ...customer, ...byId };

/** Which side of a merge the customer's conversation is. */
export type Side = 'survives' | 'lost';

/** Every statement that a stage's store has run, over all cells of a test file. */
export const met = new Set<string>();

export function openStage(): Stage {
  const db = openDatabase(':memory:');
  for (const verb of ['run', 'get', 'all'] as const) {
    const original = db[verb].bind(db) as (sql: string, ...values: SQLInputValue[]) => never;
    db[verb] = (sql: string, ...values: SQLInputValue[]) => {
      met.add(sql);
      return original(sql, ...values);
    };
  }
  const soon = (fn: () => void) => void setImmediate(fn);
  const store = storeOn(db, { soon, random: seededRandom(7) });
  return new Stage(db, store);
}

export class Stage extends Scene {
  readonly #db: Database;
  readonly #startMs: number;

  constructor(db: Database, store: Scene['store']) {
    super({ store, close: () => store.close() });
    this.#db = db;
    this.#startMs = this.nowMs;
  }

  /** The first row that the test's own statement finds. */
  row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    const row = this.#db.raw.prepare(sql).get(...values);
    return row === undefined ? undefined : { ...row };
  }

  conversation(ref: ConversationRef): Row | undefined {
    return this.row('SELECT * FROM conversation WHERE conversation_id = ?', ref.conversationId);
  }

  /** What a CHECK of the schema allows in a column. */
  allowed(table: string, column: string): string[] {
    const sql = String(this.row('SELECT sql FROM sqlite_master WHERE name = ?', table)?.sql);
    const list = new RegExp(`\\b${column} TEXT[^,]*CHECK \\(${column} IN \\(([^)]*)\\)`).exec(sql)?.[1] ?? '';
    return list.split(',').map((value) => value.trim().slice(1, -1));
  }

  takeOver(ref: ConversationRef) {
    return this.store.takeOver({ ref, by: 'ann', nowMs: this.nowMs });
  }

  handBack(ref: ConversationRef) {
    return this.store.handBack({ ref, by: 'ann', nowMs: this.nowMs });
  }

  /** The owner answers on their phone. */
  async echo(content = {}): Promise<void> {
    await this.append(this.message('', { from: customer, kind: 'echo', content }));
  }

  /** One turn that ends everything in the mailbox by a rule, and does what `parts` say. */
  async turn(ref: ConversationRef, parts: Parameters<Scene['commit']>[1] = {}): Promise<TurnCommitted> {
    const ends = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: Number.MAX_SAFE_INTEGER }];
    return this.commit(await this.take(ref), { ends, ...parts });
  }

  /** As `turn`, where the conversation may be in a state in which no turn can run. */
  async turnIfAny(ref: ConversationRef, parts: Parameters<Scene['commit']>[1] = {}): Promise<void> {
    const [taken] = await this.store.takeConversations({
      refs: [ref],
      ownerId: 'own_first',
      nowMs: this.nowMs,
    });
    if (taken?.outcome !== 'taken') return;
    const ends = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: Number.MAX_SAFE_INTEGER }];
    await this.commit(taken, { ends, ...parts });
  }

  /** A second conversation of the same person, and then the message that proves it: the customer's one merges. */
  async merge(side: Side, otherIsHeld = false): Promise<void> {
    this.advance(secondMs);
    const sentAtMs = side === 'lost' ? this.nowMs : this.#startMs - hourMs;
    const other = await this.say('from elsewhere', { from: byId, sentAtMs });
    if (otherIsHeld) await this.takeOver(other);
    await this.say('from both', { from: whole, sentAtMs: sentAtMs - hourMs });
  }

  /** Everybody to whom these addresses lead is erased. */
  async erase(...addresses: string[]): Promise<void> {
    for (const contact of addresses.length > 0 ? addresses : ['15550001111'])
      for (const contactId of await this.store.findContacts({ tenantId: 'acme', contact })) {
        const of = { tenantId: 'acme', contactId, fileIds: [], filesSeenAtMs: this.nowMs };
        await this.store.eraseContact({ ...of, by: 'ann', nowMs: this.nowMs });
      }
  }

  /** A month and a day later, everything that may go is gone. */
  async retention(): Promise<void> {
    this.advance(31 * dayMs);
    const step = { retentionMs: 30 * dayMs, dedupeKeepMs: 9 * dayMs, maxRows: 100 };
    for (let idle = 0; idle < 20; idle++)
      if ((await this.store.prune({ nowMs: this.nowMs, ...step })) > 0) idle = 0;
  }
}

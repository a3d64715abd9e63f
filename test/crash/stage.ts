/**
 * One case on its stage: a customer of its own who writes to a number, an operator who gives commands, and a look at the
 * rows by SQL of its own. What is seen is judged afterwards by the same verdict as the full proof.
 */
import { DatabaseSync } from 'node:sqlite';
import type { SaidMessage, Say } from '#simulator/index.ts';
import { until } from '../proof/server-process.ts';
import { tokenOf } from '../proof/verdict.ts';
import type { ConfigVariant } from './server-config.ts';
import type { Armed } from './server-main.ts';
import { type CrashTown, patienceMs, type TownNumber } from './town.ts';

export interface Place {
  tenantId: string;
  conversationId: string;
}

export class Stage {
  readonly town: CrashTown;
  readonly armed: Armed;
  readonly said: SaidMessage[] = [];
  /** Whether a command that died had been done, as far as the operator can see. */
  commandDone: boolean | null = null;
  readonly #index: number;
  #place: Place | undefined;

  constructor(town: CrashTown, armed: Armed, index: number) {
    this.town = town;
    this.armed = armed;
    this.#index = index;
  }

  /** The contact of this case; `who` above 0 are others who write to the same number. */
  contact(who = 0): string {
    return `1650${who}${String(this.#index).padStart(6, '0')}`;
  }

  async say(number: TownNumber, words: string, fields: Partial<Say> = {}): Promise<SaidMessage> {
    const token = tokenOf(this.#index, this.said.length);
    const { control, meta } = this.town.simulator;
    const isVoice = fields.type === 'audio';
    const { index } = await control.say({
      phoneNumberId: number.id,
      contact: this.contact(),
      ...(isVoice ? { mediaId: token.slice(1, -1) } : { type: 'text', text: `${words} ${token}` }),
      ...fields,
    });
    // A voice note's words stand nowhere at Meta; the verdict needs them.
    const message = meta.said[index] as SaidMessage;
    this.said.push(isVoice ? voiced(message, token) : message);
    return message;
  }

  /** Others write to the number, so that something is heard of it. */
  async othersSay(number: TownNumber, count: number): Promise<void> {
    for (let who = 1; who <= count; who++) await this.say(number, 'hello', { contact: this.contact(who) });
  }

  /** What a contact was sent, in the order in which Meta accepted it. */
  textsFor(contactId: string | undefined): string[] {
    const { accepted } = this.town.simulator.meta;
    return accepted.flatMap(({ contactKey, text }) => (contactKey === contactId && text ? [text] : []));
  }

  async acknowledged(): Promise<void> {
    await this.sees('every message is acknowledged', () =>
      this.said.every((message) => message.acknowledgedAtMs !== null),
    );
  }

  /** Waits until everything that was said so far has had its answer, and its statuses are told. */
  async quiet(): Promise<void> {
    const { control } = this.town.simulator;
    await this.acknowledged();
    await this.sees('nothing is under way', async () => {
      const { waiting } = await control.counters();
      if (waiting.updates + waiting.inFlight + waiting.retrying + waiting.scheduled > 0) return false;
      const { underWay } = await this.town.server.command<{ underWay: number }>('audit', { days: 1 });
      const states = ['queued', 'sending', 'uncertain'];
      return underWay === 0 && (await this.sends(states)).length === 0;
    });
  }

  async modelWorks(): Promise<void> {
    const { control } = this.town.simulator;
    await this.sees('the model is asked', async () => (await control.modelStats()).running > 0);
  }

  async sees(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    if (!(await until(condition, patienceMs)))
      throw new Error(`It did not come true that ${what}; see ${this.town.server.logPath}.`);
  }

  // --- the process ------------------------------------------------------------------------------------------------

  dies(trigger: () => Promise<unknown>): Promise<void> {
    return this.town.die({ ...this.armed }, trigger);
  }

  diesAtStart(): Promise<void> {
    return this.town.dieAtStart({ ...this.armed });
  }

  restart(variant?: ConfigVariant): Promise<void> {
    return this.town.start(variant);
  }

  // --- the operator -----------------------------------------------------------------------------------------------

  command<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    return this.town.server.command<T>(name, { by: 'an operator', ...args });
  }

  /** The shop tells of a payment of this customer, always with the same key; whether it was taken. */
  async tell(apiKey: string): Promise<boolean> {
    const { conversationId } = this.place();
    const { ok } = await fetch(`${this.town.server.url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': conversationId },
      body: JSON.stringify({ conversationId, name: 'payment.succeeded', data: { order: conversationId } }),
    });
    return ok;
  }

  sends(states: readonly string[]): Promise<({ sendId: string; state: string } & Place)[]> {
    return this.command('sends.list', { states });
  }

  /** Where the first message of this case lies, or lay when it was first asked. */
  place(): Place {
    const place = this.#findPlace();
    if (place === undefined) throw new Error('The first message of the case stands in no mailbox.');
    return place;
  }

  #findPlace(): Place | undefined {
    if (this.#place !== undefined) return this.#place;
    const [row] = this.rows<{ tenant_id: string; conversation_id: string }>(
      'SELECT tenant_id, conversation_id FROM event WHERE wamid = ?',
      this.said[0]?.wamid ?? '',
    );
    if (row !== undefined) this.#place = { tenantId: row.tenant_id, conversationId: row.conversation_id };
    return this.#place;
  }

  rows<T>(sql: string, ...values: string[]): T[] {
    const db = new DatabaseSync(this.town.server.databasePath, { readOnly: true });
    try {
      return db.prepare(sql).all(...values) as T[];
    } finally {
      db.close();
    }
  }

  holder(): string | undefined {
    const { tenantId, conversationId } = this.place();
    const sql = 'SELECT holder FROM conversation WHERE tenant_id = ? AND conversation_id = ?';
    return this.rows<{ holder: string }>(sql, tenantId, conversationId)[0]?.holder;
  }

  flagsOpen(): string[] {
    const place = this.#findPlace();
    if (place === undefined) return [];
    const { tenantId, conversationId } = place;
    const sql =
      'SELECT reason FROM flag WHERE tenant_id = ? AND conversation_id = ? AND resolved_at_ms IS NULL ORDER BY reason';
    return this.rows<{ reason: string }>(sql, tenantId, conversationId).map(({ reason }) => reason);
  }
}

/** The message with the words that the transcriber hears, whenever it is looked at. */
function voiced(message: SaidMessage, text: string): SaidMessage {
  return new Proxy(message, {
    get: (target, key) => (key === 'text' ? text : Reflect.get(target, key)),
  });
}

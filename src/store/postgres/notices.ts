/**
 * Notices by NOTIFY, never inside a transaction that changes something: a commit that notifies takes a lock on the whole
 * server, so writers would wait for each other. What is told within `noticeEveryMs` is one statement. Whoever listens has a
 * connection of its own to Postgres itself, since a pooler gives none away; where it breaks it is made anew, and what was missed
 * the sweep finds.
 */
import pg from 'pg';
import { limits } from '#core/limits.ts';
import { outlineOf } from '#core/model/faults.ts';
import type { Notice, Notices } from '#core/ports/notices.ts';
import type { Log, Timers } from '#core/ports/world.ts';
import { addressOf, type DatabaseOptions, defaultSchema } from './database/database.ts';

/** Postgres takes 7,999 bytes. */
const payloadBytesMax = 7_500;

interface Sent {
  from: string;
  notice: Notice;
  isPart: boolean;
}

export interface NoticesGiven extends Pick<DatabaseOptions, 'url' | 'directUrl' | 'schema'> {
  ownerId: string;
  timers: Timers;
  log: Log;
}

/** Resolves when it listens, or when the first try has failed; it goes on trying. */
export async function openPostgresNotices(given: NoticesGiven): Promise<Notices> {
  const notices = new PostgresNotices(given);
  await notices.listen();
  return notices;
}

const nothing = (): Notice => ({ conversations: [], sends: [], activities: false, tenants: false });

class PostgresNotices implements Notices {
  readonly #given: NoticesGiven;
  readonly #channel: string;
  #client: pg.Client | null = null;
  #waiting: Notice | null = null;
  #listener: (notice: Notice, isPart: boolean) => void = () => {};
  #failures = 0;
  #stopped = false;

  constructor(given: NoticesGiven) {
    this.#given = given;
    this.#channel = `${given.schema ?? defaultSchema}_notice`;
  }

  tell(part: Partial<Notice>): void {
    if (this.#stopped) return;
    if (this.#waiting === null) {
      this.#waiting = nothing();
      this.#given.timers.after(limits.noticeEveryMs, () => void this.#send());
    }
    const { conversations = [], sends = [], activities = false, tenants = false } = part;
    this.#waiting.conversations.push(...conversations);
    this.#waiting.sends.push(...sends);
    this.#waiting.activities ||= activities;
    this.#waiting.tenants ||= tenants;
  }

  onNotice(listener: (notice: Notice, isPart: boolean) => void): void {
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#send();
    await this.#client?.end().catch(() => {});
  }

  async #send(): Promise<void> {
    const notice = this.#waiting;
    this.#waiting = null;
    if (notice === null || this.#client === null) return;
    try {
      const payload = payloadOf(this.#given.ownerId, notice);
      await this.#client.query('SELECT pg_notify($1, $2)', [this.#channel, payload]);
    } catch {
      // The connection broke; the sweeps of the others find what this would have told.
    }
  }

  async listen(): Promise<void> {
    if (this.#stopped) return;
    const { url, directUrl, log, timers } = this.#given;
    const client = new pg.Client({
      connectionString: addressOf(directUrl ?? url).connectionString,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'nightdesk notices',
    });
    let isOver = false;
    const again = (error: unknown) => {
      if (isOver) return;
      isOver = true;
      if (this.#client === client) this.#client = null;
      void client.end().catch(() => {});
      if (this.#stopped) return;
      this.#failures += 1;
      if (this.#failures === 1)
        log.warn(
          { err: outlineOf(error) },
          'The connection that hears of the work of other processes is lost; it is made anew. Meanwhile the sweep finds it, some seconds later.',
        );
      const waitMs = Math.min(limits.storeRetryMaxMs, limits.storeRetryBaseMs * 2 ** this.#failures);
      timers.after(waitMs, () => void this.listen());
    };
    client.on('error', again);
    client.on('end', () => again(new Error('the connection ended')));
    client.on('notification', ({ payload }) => this.#hear(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${this.#channel}`);
      if (this.#failures > 0) log.warn({}, 'Work of other processes is heard of again.');
      this.#failures = 0;
      this.#client = client;
      if (this.#stopped) await client.end();
    } catch (error) {
      again(error);
    }
  }

  #hear(payload: string | undefined): void {
    if (payload === undefined || this.#stopped) return;
    const sent = JSON.parse(payload) as Sent;
    if (sent.from !== this.#given.ownerId) this.#listener(sent.notice, sent.isPart);
  }
}

/** What does not fit is left out: whoever hears that it is a part looks by itself. */
function payloadOf(from: string, notice: Notice): string {
  const whole: Sent = { from, notice, isPart: false };
  const payload = JSON.stringify(whole);
  if (Buffer.byteLength(payload) <= payloadBytesMax) return payload;
  return JSON.stringify({ from, notice: { ...notice, conversations: [], sends: [] }, isPart: true });
}

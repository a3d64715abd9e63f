/**
 * The connections to one Postgres, and how its functions are called. Every domain transaction is one function of the database, called by
 * one statement: one round trip, which is its own transaction, so that nothing is left open where a process dies and a pooler
 * may stand between. The functions of this code live in a schema that carries the digest of their text (`install.ts`), so
 * that an older process calls its own beside a newer one.
 *
 * Input and answer are JSON. A text that must be kept as it is (what a customer wrote may hold NUL or half a surrogate pair, which
 * `jsonb` refuses) goes in as JSON text inside the JSON, and is stored so.
 */
import pg from 'pg';
import { Fault } from '#core/model/faults.ts';
import type { CrashPoints, Transaction } from '#core/ports/crash-points.ts';
import { faultOf, isRetriable } from './faults.ts';

export interface DatabaseOptions {
  /** `postgres://user:password@host:5432/name?sslmode=...`; `pgbouncer=true` where a pooler in transaction mode stands between. */
  url: string;
  /** Of Postgres' own port, where `url` is a pooler's. */
  directUrl?: string;
  /** The schema of the tables: lower-case letters, digits and `_`. */
  schema?: string;
  /** Connections at most. */
  connectionsMax?: number;
  /** `caller`: what a caller gives as `nowMs` is the time, as tests need it. Default: the database's clock is. */
  clock?: 'database' | 'caller';
  /** Runs a function after the I/O that is ready now; what is submitted until then shares one commit. */
  soon: (fn: () => void) => void;
  crashPoints?: CrashPoints;
}

/** A statement that takes longer hangs; the pool gets its connection back. */
const statementTimeoutMs = 30_000;
/** One that goes through the whole store while nobody works with it: hundreds of millions of rows. */
const wholeStoreTimeoutMs = 3_600_000;
const connectTimeoutMs = 5_000;
/** Of one call that fails only since others worked on the same rows. */
export const attemptsMax = 3;

export interface Address {
  connectionString: string;
  isPooled: boolean;
}

/** What is ours in the address is taken out of it; the rest is the library's. */
export function addressOf(url: string): Address {
  const parsed = new URL(url);
  const isPooled = parsed.searchParams.get('pgbouncer') === 'true';
  parsed.searchParams.delete('pgbouncer');
  return { connectionString: parsed.href, isPooled };
}

export class Database {
  readonly pool: pg.Pool;
  readonly schema: string;
  /** Where the functions of this code are. */
  readonly functions: string;
  readonly directUrl: string;
  readonly soon: (fn: () => void) => void;
  readonly crashPoints: CrashPoints | undefined;
  readonly #isPooled: boolean;
  readonly #isCallersClock: boolean;
  #closed = false;

  constructor(options: DatabaseOptions, functions: string) {
    const { connectionString, isPooled } = addressOf(options.url);
    this.#isPooled = isPooled;
    this.#isCallersClock = options.clock === 'caller';
    this.schema = options.schema ?? defaultSchema;
    this.functions = functions;
    this.directUrl = options.directUrl ?? connectionString;
    this.soon = options.soon;
    this.crashPoints = options.crashPoints;
    this.pool = new pg.Pool({
      connectionString,
      max: options.connectionsMax ?? 10,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs,
      keepAlive: true,
      application_name: 'nightdesk',
      // A pooler in transaction mode refuses settings of a connection.
      ...(isPooled ? {} : { statement_timeout: statementTimeoutMs }),
    });
    // A connection that breaks while it rests: the next statement makes a new one, or says why not.
    this.pool.on('error', () => {});
  }

  /**
   * Calls a function of ours; resolves when it is committed. A deadlock or a serialization failure has changed nothing, so it is called
   * again, some times. @throws Fault storeUnavailable where that is not known, badData where
   * this input cannot be stored.
   */
  async call<T>(name: string, input: object): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt<T>(name, input);
      } catch (error) {
        if (!isRetriable(error) || attempt >= attemptsMax) throw faultOf(error);
      }
    }
  }

  /** The same, and what Postgres said is thrown as it is. */
  async attempt<T>(name: string, input: object): Promise<T> {
    const { text, values } = this.#statementOf(name, input);
    const { rows } = await this.pool.query<{ answer: T }>(
      this.#isPooled ? { text, values } : { name, text, values },
    );
    return answerOf(name, rows);
  }

  #statementOf(name: string, input: object): { text: string; values: string[] } {
    if (this.#closed) throw new Fault('stopping', 'The store is closed: the process is stopping.');
    const text = `SELECT ${this.functions}.${name}($1::jsonb) AS answer`;
    return { text, values: [JSON.stringify(this.#isCallersClock ? input : timeless(input))] };
  }

  /** A change: the same, and the crash points of its transaction are reached. */
  async change<T>(transaction: Transaction, name: string, input: object): Promise<T> {
    this.crashPoints?.reach(`${transaction}.beforeCommit`);
    const answer = await this.call<T>(name, input);
    this.crashPoints?.reach(`${transaction}.afterCommit`);
    return answer;
  }

  /** A change that goes through the whole store, which may take longer than a statement does elsewhere. @throws Fault as `call` does */
  async changeWhole<T>(transaction: Transaction, name: string, input: object): Promise<T> {
    this.crashPoints?.reach(`${transaction}.beforeCommit`);
    const statement = { ...this.#statementOf(name, input), query_timeout: wholeStoreTimeoutMs };
    try {
      const client = await this.pool.connect();
      let isDone = false;
      try {
        await client.query('BEGIN');
        await client.query(`SET LOCAL statement_timeout = ${wholeStoreTimeoutMs}`);
        const { rows } = await client.query<{ answer: T }>(statement);
        await client.query('COMMIT');
        isDone = true;
        this.crashPoints?.reach(`${transaction}.afterCommit`);
        return answerOf(name, rows);
      } finally {
        // A connection that is closed has nothing open.
        client.release(!isDone);
      }
    } catch (error) {
      throw faultOf(error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.pool.end();
  }
}

function answerOf<T>(name: string, [row]: readonly { answer: T }[]): T {
  if (row === undefined) throw new Error(`The function ${name} of the database answered nothing.`);
  return row.answer;
}

/** Without the caller's time, so that the function takes the database's. */
function timeless(input: object): object {
  const items = 'items' in input && Array.isArray(input.items) ? input.items : undefined;
  const rest = { ...input, nowMs: undefined };
  return items === undefined
    ? rest
    : { ...rest, items: items.map((item: object) => ({ ...item, nowMs: undefined })) };
}

export const defaultSchema = 'nightdesk';

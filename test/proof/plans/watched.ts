/**
 * A store on one connection, whose plans and buffers are watched: Postgres tells, by `auto_explain`, how it ran each statement inside our
 * functions, and by its counters which table and which index the buffers were of. The caller is a superuser.
 */
import pg from 'pg';
import type { Store } from '#core/ports/store.ts';
import { Database } from '#store/postgres/database/database.ts';
import { storeOn } from '#store/postgres/index.ts';

export interface Relation {
  name: string;
  isIndex: boolean;
  /** Pages of an index from its root to a leaf; 1 for a table. */
  levels: number;
}

/** What a step of the scene cost. */
export interface Cost {
  /** Doors that were called, with the buffers of all calls. */
  doors: Set<string>;
  buffers: number;
  /** Of these, of each table and index by name. */
  relations: Map<string, number>;
  /** Plans that read a whole table, as `table: statement`. */
  wholeReads: Set<string>;
}

export interface Watched {
  store: Store;
  /** The process of Postgres that serves it. */
  pid(): Promise<number>;
  /** Runs a step and tells what it cost. */
  cost<T>(step: () => Promise<T>): Promise<{ answer: T; cost: Cost }>;
  relations(): Promise<Map<string, Relation>>;
  close(): Promise<void>;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Rows Removed by Filter'?: number;
  'Actual Rows': number;
  'Actual Loops': number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

interface Explained {
  'Query Text': string;
  Plan: PlanNode;
}

/** Indexes of what is open are read from end to end; it is little. */
const smallRows = 50;
/** Tables whose rows do not grow with service. */
const ofConfiguration: ReadonlySet<string> = new Set(['tenant', 'phone_number']);

export async function openWatched(given: {
  url: string;
  schema: string;
  functionsSchema: string;
}): Promise<Watched> {
  const db = new Database(
    {
      ...{ url: given.url, schema: given.schema, connectionsMax: 1, clock: 'caller' },
      soon: (fn) => void setImmediate(fn),
    },
    given.functionsSchema,
  );
  // It must be the same connection throughout.
  db.pool.options.idleTimeoutMillis = 0;
  const told: Explained[] = [];
  db.pool.on('connect', (client) => {
    client.on('notice', ({ message }) => {
      const [, plan] = /^duration: [^{]*plan:\s*(\{[\s\S]*\})$/.exec(message ?? '') ?? [];
      if (plan !== undefined) told.push(JSON.parse(plan) as Explained);
    });
  });
  const observer = new pg.Client({ connectionString: given.url });
  await observer.connect();
  await db.pool.query(
    `LOAD 'auto_explain'; SET client_min_messages = log; SET auto_explain.log_level = log; SET auto_explain.log_nested_statements = on;
     SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on; SET auto_explain.log_timing = off;
     SET auto_explain.log_format = json; SET auto_explain.log_min_duration = -1`,
  );
  const counted = () => countBuffers(db, observer, given.schema);
  return {
    store: storeOn(db),
    async pid() {
      const { rows } = await db.pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      return rows[0]?.pid ?? 0;
    },
    async cost(step) {
      const before = await counted();
      told.length = 0;
      await db.pool.query('SET auto_explain.log_min_duration = 0');
      const answer = await step();
      await db.pool.query('SET auto_explain.log_min_duration = -1');
      const explained = told.splice(0);
      const after = await counted();
      return { answer, cost: costOf(explained, { before, after }, given.functionsSchema) };
    },
    relations: () => readRelations(observer, given.schema),
    async close() {
      await observer.end();
      await db.close();
    },
  };
}

async function countBuffers(db: Database, observer: pg.Client, schema: string): Promise<Map<string, number>> {
  await db.pool.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await observer.query<{ name: string; buffers: string }>(
    `SELECT relname AS name, heap_blks_hit + heap_blks_read AS buffers FROM pg_statio_user_tables WHERE schemaname = $1
     UNION ALL SELECT indexrelname, idx_blks_hit + idx_blks_read FROM pg_statio_user_indexes WHERE schemaname = $1`,
    [schema],
  );
  return new Map(rows.map(({ name, buffers }) => [name, Number(buffers)]));
}

function costOf(
  explained: readonly Explained[],
  { before, after }: Record<'before' | 'after', Map<string, number>>,
  functionsSchema: string,
): Cost {
  const cost: Cost = { doors: new Set(), buffers: 0, relations: new Map(), wholeReads: new Set() };
  for (const { 'Query Text': text, Plan: plan } of explained) {
    const [, door] = new RegExp(`^SELECT ${functionsSchema}\\.(\\w+)\\(`).exec(text) ?? [];
    if (door !== undefined) {
      cost.doors.add(door);
      cost.buffers += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    }
    for (const table of wholeReadsOf(plan))
      cost.wholeReads.add(`${table}: ${text.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
  }
  for (const [name, buffers] of after) {
    const used = buffers - (before.get(name) ?? 0);
    if (used > 0) cost.relations.set(name, used);
  }
  return cost;
}

/** Tables that a part of the plan read from end to end, by their pages or by an index without a condition. */
function wholeReadsOf(node: PlanNode): string[] {
  const inner = (node.Plans ?? []).flatMap(wholeReadsOf);
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index } = node;
  if (table === undefined || node['Actual Loops'] === 0 || ofConfiguration.has(table)) return inner;
  const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
  const isWhole = type.startsWith('Index') && node['Index Cond'] === undefined && rows > smallRows;
  if (type === 'Seq Scan') return [table, ...inner];
  return isWhole ? [`${table} by ${index}`, ...inner] : inner;
}

/** Levels as the index says itself. */
async function readRelations(observer: pg.Client, schema: string): Promise<Map<string, Relation>> {
  await observer.query('CREATE EXTENSION IF NOT EXISTS pageinspect');
  const { rows } = await observer.query<Relation>(
    `SELECT c.relname AS name, c.relkind = 'i' AS "isIndex",
       CASE c.relkind WHEN 'i' THEN (bt_metap(c.oid::regclass::text)).level::int + 1 ELSE 1 END AS levels
     FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'i')`,
    [schema],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

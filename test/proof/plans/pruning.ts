/** What it costs to delete old rows by age, in the steps in which upkeep does it, and what it leaves behind. */
import type pg from 'pg';
import { limits } from '#core/limits.ts';
import type { Store } from '#core/ports/store.ts';

export interface Pruned {
  rows: number;
  seconds: number;
  /** Of all tables with their indexes, before, and after a vacuum. */
  megabytesBefore: number;
  megabytesAfter: number;
  vacuumSeconds: number;
}

/** Old rows are of the last 30 days; what is older than 15 goes. */
const keepMs = 15 * 86_400_000;

type Client = Pick<pg.Client, 'query'>;

export async function pruneHalf(
  store: Store,
  client: Client,
  { schema, nowMs }: { schema: string; nowMs: number },
): Promise<Omit<Pruned, keyof Vacuumed>> {
  const megabytesBefore = await sizeOf(client, schema);
  const beganMs = performance.now();
  let rows = 0;
  for (let removed = -1; removed !== 0; ) {
    removed = await store.prune({
      ...{ nowMs, retentionMs: keepMs, dedupeKeepMs: keepMs },
      maxRows: limits.pruneStepRows,
    });
    rows += removed;
  }
  return { rows, megabytesBefore, seconds: (performance.now() - beganMs) / 1_000 };
}

type Vacuumed = Pick<Pruned, 'vacuumSeconds' | 'megabytesAfter'>;

export async function vacuumed(client: Client, schema: string): Promise<Vacuumed> {
  const beganMs = performance.now();
  await client.query('VACUUM (ANALYZE)');
  return {
    vacuumSeconds: (performance.now() - beganMs) / 1_000,
    megabytesAfter: await sizeOf(client, schema),
  };
}

async function sizeOf(client: Client, schema: string): Promise<number> {
  const { rows } = await client.query<{ megabytes: number }>(
    `SELECT (sum(pg_total_relation_size(oid)) / 1048576)::int AS megabytes FROM pg_class
      WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
    [schema],
  );
  return rows[0]?.megabytes ?? 0;
}

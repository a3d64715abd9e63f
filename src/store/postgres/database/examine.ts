/** A look at a server from outside, for the doctor: one connection, nothing is changed. */
import pg from 'pg';
import type { Clock } from '#core/ports/world.ts';
import { addressOf, defaultSchema } from './database.ts';
import { readMigrations } from './install.ts';
import { unsafeOf } from './safety.ts';

export interface Examined {
  schema: string;
  /** 0 where there are no tables yet. */
  version: number;
  newest: number;
  unsafe: string[];
  /** One question, there and back; the quickest of some. */
  roundTripMs: number;
  isReplica: boolean;
}

const questions = 5;

/** @throws what the connection says */
export async function examineServer(
  { url, schema = defaultSchema }: { url: string; schema?: string },
  clock: Clock,
): Promise<Examined> {
  const client = new pg.Client({
    connectionString: addressOf(url).connectionString,
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, string>>(
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('full_page_writes') AS full_page_writes, pg_is_in_recovery()::text AS is_replica, to_regclass($1)::text AS migrations`,
      [`${schema}.migration`],
    );
    const [settings = {}] = rows;
    let roundTripMs = Number.POSITIVE_INFINITY;
    for (let nth = 0; nth < questions; nth += 1) {
      const askedMs = clock.monotonicMs();
      await client.query('SELECT 1');
      roundTripMs = Math.min(roundTripMs, clock.monotonicMs() - askedMs);
    }
    const applied =
      settings.migrations == null
        ? 0
        : (
            await client.query<{ version: number | null }>(
              `SELECT max(version) AS version FROM ${schema}.migration`,
            )
          ).rows[0]?.version;
    return {
      ...{ schema, roundTripMs },
      version: applied ?? 0,
      newest: readMigrations().at(-1)?.version ?? 0,
      unsafe: unsafeOf(settings),
      isReplica: settings.is_replica === 'true',
    };
  } finally {
    await client.end();
  }
}

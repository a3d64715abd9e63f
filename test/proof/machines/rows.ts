/** What a judge reads in a Postgres, by SQL of its own: it shares no code with what it judges. */
import pg from 'pg';
import type { Books, Row } from '../../walks/books.ts';
import type { Look, StoredMessage } from '../verdict.ts';

export async function ask<T extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

export const lookInto =
  (url: string): Look =>
  async (wamids) => {
    const rows = await ask<StoredMessage & { wamid: string }>(
      url,
      `SELECT e.wamid::text, e.ending, (SELECT count(*)::int FROM nightdesk.flag f WHERE f.tenant_id = e.tenant_id
        AND f.conversation_id = e.conversation_id AND f.resolved_at_ms IS NULL) AS flags
      FROM nightdesk.event e WHERE e.wamid = ANY($1)`,
      [wamids],
    );
    const byWamid = new Map(rows.map((row) => [row.wamid, row]));
    return wamids.map((wamid) => byWamid.get(wamid) ?? null);
  };

const bigint = 20;
const numeric = 1700;

/** Counts and sums are of 64 bits and more, which `pg` hands over as strings; those of a run fit into a number. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === bigint || oid === numeric ? Number : pg.types.getTypeParser(oid, format),
};

export const postgresBooks = (url: string, schema = 'nightdesk'): Books => ({
  async ask(sql) {
    const client = new pg.Client({ connectionString: url, options: `-c search_path=${schema}`, types });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  },
  end: 'ending',
});

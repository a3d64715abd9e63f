/**
 * The functions of this code, in a schema of their own that carries the digest of their text and settings: an older process calls its
 * own beside a newer one. Those of versions long gone are dropped.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { limits } from '#core/limits.ts';

const home = fileURLToPath(new URL('..', import.meta.url));

/** All functions, one text. What an inner function needs of the limits stands in it as `{limits.name}`: nobody passes them that far. */
export function readFunctions(): string {
  const text = readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql') && !file.startsWith('schema'))
    .sort()
    .map((file) => readFileSync(join(home, file), 'utf8'))
    .join('\n');
  return text.replaceAll(/\{limits\.(\w+)\}/g, (_, name: string) => {
    const limit = new Map<string, number>(Object.entries(limits)).get(name);
    if (limit === undefined)
      throw new Error(`A function of the database names the limit "${name}", which there is not.`);
    return String(limit);
  });
}

/** Functions that other functions alone call run in the search path of their caller. */
const setSettings = `DO $do$
DECLARE
  each record;
  way text;
BEGIN
  FOR each IN SELECT p.oid::regprocedure AS name, coalesce(array_to_string(p.proconfig, ' '), '') AS settings
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = '{functions}' AND left(p.proname, 1) <> '_'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = {functions}, {schema}, pg_temp', each.name);
    EXECUTE format('ALTER FUNCTION %s SET lock_timeout = ''10s''', each.name);
    -- What a group may hold is planned for, not what it holds, so statements of a millisecond would be compiled for hundreds.
    EXECUTE format('ALTER FUNCTION %s SET jit = off', each.name);
    -- A plan is kept for the life of its connection, or until the tables are analyzed: one that was made while they were almost empty must do
    -- when they are full. So rows are looked up by index, one after another, however small a table was; a function for which another way is
    -- right says so itself.
    FOREACH way IN ARRAY ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'] LOOP
      CONTINUE WHEN position(way IN each.settings) > 0;
      EXECUTE format('ALTER FUNCTION %s SET %s = off', each.name, way);
    END LOOP;
  END LOOP;
END $do$`;

/** The name of the schema that holds these functions, with their settings. */
export function functionsSchemaOf(schema: string, functions: string): string {
  return `${schema}_${createHash('sha256')
    .update(functions + setSettings)
    .digest('hex')
    .slice(0, 12)}`;
}

export async function installFunctions(
  client: pg.Client,
  given: { schema: string; functionsSchema: string; functions: string },
): Promise<void> {
  const { schema, functionsSchema, functions } = given;
  const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [functionsSchema]);
  if (rowCount !== 0) return;
  await client.query(`CREATE SCHEMA ${functionsSchema}`);
  await client.query(`SET LOCAL search_path = ${functionsSchema}, ${schema}`);
  await client.query('SET LOCAL check_function_bodies = off');
  await client.query(functions);
  await client.query(setSettings.replaceAll('{functions}', functionsSchema).replaceAll('{schema}', schema));
  await client.query(`INSERT INTO ${schema}.functions_of_version (functions_schema) VALUES ($1)`, [
    functionsSchema,
  ]);
  await dropOld(client, schema);
}

/** Nobody runs for so long what three others have replaced since. */
async function dropOld(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT functions_schema AS name FROM ${schema}.functions_of_version WHERE installed_at < now() - interval '30 days'
      AND functions_schema NOT IN (SELECT functions_schema FROM ${schema}.functions_of_version ORDER BY installed_at DESC LIMIT 3)`,
  );
  for (const { name } of rows) {
    await client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
    await client.query(`DELETE FROM ${schema}.functions_of_version WHERE functions_schema = $1`, [name]);
  }
}

/** The conformance suite through PgBouncer in transaction mode, where no two statements need meet the same connection. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { storeConformance } from '#testing/store-conformance.ts';
import { onPostgres } from './on-postgres.ts';
import { isPoolerHere, type Pooler, startPooler } from './pooler.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';

const isHere = isPoolerHere() && (await isPostgresHere());
let schema: TestSchema;
let pooler: Pooler;

describe.skipIf(!isHere)('Postgres through PgBouncer', () => {
  beforeAll(async () => {
    pooler = await startPooler();
    schema = await makeSchema('pooled');
  });
  afterAll(async () => {
    pooler.stop();
    await schema.drop();
  });
  const onPooled = onPostgres(
    () => schema,
    () => pooler.url,
  );
  for (const { name, run } of storeConformance(onPooled)) it(name, run);
});

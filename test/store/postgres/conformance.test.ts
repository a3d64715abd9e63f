/** The conformance suite on a real Postgres. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { storeConformance } from '#testing/store-conformance.ts';
import { onPostgres } from './on-postgres.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

describe.skipIf(!isHere)('Postgres', () => {
  beforeAll(async () => {
    schema = await makeSchema('conformance');
  });
  afterAll(() => schema.drop());
  for (const { name, run } of storeConformance(onPostgres(() => schema))) it(name, run);
});

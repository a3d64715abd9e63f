/** Who is who is decided twice: by the core, which says why, and inside the database. Both must come to the same, whatever is known. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideChange, decideContact, wholeChange } from '#core/model/contacts.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

const phone = fc.constantFrom('1', '2', '3');
const bsuid = fc.constantFrom('US.1', 'US.2', 'US.3');
const parentBsuid = fc.constantFrom('P.1', 'P.2');
const sender = fc.record({ phone, bsuid, parentBsuid }, { requiredKeys: [] });
const change = fc.record(
  { oldPhone: phone, newPhone: phone, oldBsuid: bsuid, newBsuid: bsuid, newParentBsuid: parentBsuid },
  { requiredKeys: [] },
);
const contact = fc.option(
  fc.record({ contactId: fc.constantFrom('a', 'b', 'c'), bsuids: fc.uniqueArray(bsuid, { maxLength: 2 }) }),
);
const known = fc.record({ phone: contact, bsuid: contact, parentBsuid: contact });
const knownChange = fc.record({ oldPhone: contact, oldBsuid: contact, newPhone: contact, newBsuid: contact });

/** One query decides about many. */
const many = { minLength: 1, maxLength: 400, size: 'max' } as const;

/** What the database decides for each pair. */
async function decided(name: string, pairs: readonly (readonly [object, object])[]): Promise<unknown[]> {
  const rows = await schema.query<{ decision: unknown }>(
    `SELECT ${name}(value -> 0, value -> 1) AS decision FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY ORDER BY ordinality`,
    [JSON.stringify(pairs)],
  );
  return rows.map(({ decision }) => decision);
}

describe.skipIf(!isHere)('who is who, in Postgres as in the core', () => {
  beforeAll(async () => {
    schema = await makeSchema('decisions');
  });
  afterAll(() => schema.drop());

  it('decides for an ordinary message as the core does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(sender, known), many), async (pairs) => {
        const expected = pairs.map(([from, leadsTo]) => decideContact(from, leadsTo));
        expect(await decided('_decide_contact', pairs)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it('decides for an announced change as the core does', async () => {
    const pair = fc
      .tuple(change, sender, knownChange)
      .map(([by, from, leadsTo]) => [wholeChange(by, from), leadsTo] as const);
    await fc.assert(
      fc.asyncProperty(fc.array(pair, many), async (pairs) => {
        const expected = pairs.map(([by, leadsTo]) => decideChange(by, leadsTo));
        expect(await decided('_decide_change', pairs)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });
});

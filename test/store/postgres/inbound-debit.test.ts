/** I6: what comes in is counted against the pace of its number inside the database as the core counts it, to the last bit. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debitInbound } from '#core/pacing/gcra.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

const startMs = 1_790_000_000_000;
/** Long ago, around now, and far ahead as after a step of the clock. */
const tat = fc.oneof(
  fc.constant(0),
  fc.double({ min: startMs - 5_000, max: startMs + 5_000, noNaN: true }),
  fc.double({ min: startMs, max: startMs + 9_000_000, noNaN: true }),
);
const debit = fc.record({
  perSecond: fc.oneof(
    fc.constantFrom(1, 5, 20, 80, 250, 1_000),
    fc.double({ min: 0.1, max: 1_000, noNaN: true }),
  ),
  tatMs: tat,
  inboundTatMs: tat,
});

describe.skipIf(!isHere)('the debit of what comes in, in Postgres as in the core', () => {
  beforeAll(async () => {
    schema = await makeSchema('debit');
  });
  afterAll(() => schema.drop());

  it('moves both times as the core does', async () => {
    const debits = fc.array(debit, { minLength: 1, maxLength: 400, size: 'max' });
    await fc.assert(
      fc.asyncProperty(debits, async (given) => {
        const rows = await schema.query(
          `SELECT d.tat_ms AS "tatMs", d.inbound_tat_ms AS "inboundTatMs"
            FROM jsonb_to_recordset($1::jsonb) AS g ("perSecond" double precision, "tatMs" double precision, "inboundTatMs" double precision),
              _debit_inbound(g."perSecond", g."tatMs", g."inboundTatMs", ARRAY[$2::bigint]) AS d`,
          [JSON.stringify(given), startMs],
        );
        expect(rows).toEqual(given.map((each) => debitInbound(each, startMs)));
      }),
      { numRuns: 10 },
    );
  });

  it('counts a flood in one group as one after another', async () => {
    const flood = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 300, size: 'max' });
    await fc.assert(
      fc.asyncProperty(flood, async (gaps) => {
        await schema.wipe();
        await schema.query("INSERT INTO pace (tenant_id, scope, key) VALUES ('acme', 'number', '100')");
        const nows = gaps.map((ms) => startMs + ms).sort();
        const messages = nows.map((_, nth) => ({
          ...{ body: nth + 1, tenantId: 'acme', phoneNumberId: '100', perSecond: 80 },
        }));
        await schema.query(
          "SELECT _debit_numbers($1::jsonb, $2::bigint[], array_fill('{}'::jsonb, ARRAY[$3::int]))",
          [JSON.stringify(messages), nows, nows.length],
        );
        let state = { tatMs: 0, inboundTatMs: 0 };
        for (const nowMs of nows) state = debitInbound({ perSecond: 80, ...state }, nowMs);
        const [row] = await schema.query(
          'SELECT tat_ms AS "tatMs", inbound_tat_ms AS "inboundTatMs" FROM pace',
        );
        expect(row).toEqual(state);
      }),
      { numRuns: 10 },
    );
  });
});

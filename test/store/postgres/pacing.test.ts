/** I6: paces are judged inside the database as the core judges them, to the last bit: a slot, a speed, a pair's backing off. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pairBackoffMs } from '#core/pacing/backoff.ts';
import { gcra, grantAll, type Pace, type PaceCheck, paceOfPerSecond } from '#core/pacing/gcra.ts';
import { fullSpeed, pausedUntilMs, type Speed, slowDown, speedFactor } from '#core/pacing/speed.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

const nowMs = 1_790_000_000_000;
const tat = fc.oneof(
  fc.constant(0),
  fc.double({ min: nowMs - 5_000, max: nowMs + 5_000, noNaN: true }),
  fc.double({ min: nowMs, max: nowMs + 9_000_000, noNaN: true }),
);
const perSecond = fc.oneof(
  fc.constantFrom(1, 5, 20, 80, 250, 1_000),
  fc.double({ min: 0.1, max: 1_000, noNaN: true }),
);
/** Of before, of now and of the future; in a pause and on the way back. */
const speed: fc.Arbitrary<Speed> = fc.oneof(
  fc.constant(fullSpeed),
  fc.record({
    factor: fc.integer({ min: 1, max: 15 }).map((sixteenths) => sixteenths / 16),
    slowedAtMs: fc.integer({ min: nowMs - 20_000, max: nowMs + 12_000 }),
    pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 90_000_000 })),
  }),
);
const stored = (each: Speed) => (each.factor === 1 ? null : JSON.stringify(each));

/** Many inputs in one statement, several times. */
async function alike<T extends object>(each: fc.Arbitrary<T>, check: (given: T[]) => Promise<void>) {
  const many = fc.array(each, { minLength: 1, maxLength: 300, size: 'max' });
  await fc.assert(fc.asyncProperty(many, check), { numRuns: 8 });
}

describe.skipIf(!isHere)('paces in Postgres as in the core', () => {
  beforeAll(async () => {
    schema = await makeSchema('pacing');
  });
  afterAll(() => schema.drop());

  it('grants a slot at the same time', async () => {
    const asked = fc.record({ perSecond, tatMs: tat, hasDebt: fc.boolean() });
    await alike(asked, async (given) => {
      const rows = await schema.query(
        `SELECT g.granted, g.at_ms AS "atMs" FROM jsonb_to_recordset($1::jsonb) AS i ("perSecond" double precision, "tatMs" double precision, "hasDebt" boolean),
          _pace_of_per_second(i."perSecond") p, _gcra(p.every_ms, p.burst, CASE WHEN i."hasDebt" THEN p.debt_ms END, i."tatMs", $2::double precision) g`,
        [JSON.stringify(given), nowMs],
      );
      const expected = given.map((each) => {
        const { debtMs, ...pace } = paceOfPerSecond(each.perSecond);
        const grant = gcra({ ...pace, ...(each.hasDebt ? { debtMs } : {}) } as Pace, each.tatMs, nowMs);
        return { granted: grant.granted, atMs: grant.granted ? grant.tatMs : grant.atMs };
      });
      expect(rows).toEqual(expected);
    });
  });

  it('slows, pauses and recovers alike', async () => {
    const retryAfterMs = fc.option(fc.integer({ min: -5, max: 100_000_000 }));
    await alike(fc.record({ speed, retryAfterMs }), async (given) => {
      const inputs = given.map((each) => ({ speed: stored(each.speed), retryAfterMs: each.retryAfterMs }));
      const rows = await schema.query(
        `SELECT _speed_factor(i.speed, $2::double precision) AS factor, _speed_paused_until(i.speed, $2::double precision) AS "untilMs",
            _slow_down(i.speed, $2::double precision, i."retryAfterMs")::jsonb AS slowed
          FROM jsonb_to_recordset($1::jsonb) AS i (speed text, "retryAfterMs" double precision)`,
        [JSON.stringify(inputs), nowMs],
      );
      const expected = given.map((each) => ({
        factor: speedFactor(each.speed, nowMs),
        untilMs: pausedUntilMs(each.speed, nowMs),
        slowed: slowDown(
          each.speed,
          nowMs,
          each.retryAfterMs === null ? {} : { retryAfterMs: each.retryAfterMs },
        ),
      }));
      expect(rows).toEqual(expected);
    });
  });

  it('backs off a pair alike', async () => {
    const failures = Array.from({ length: 60 }, (_, i) => i - 5);
    const rows = await schema.query<{ ms: string }>('SELECT _pair_backoff_ms(unnest($1::bigint[])) AS ms', [
      failures,
    ]);
    expect(rows.map(({ ms }) => Number(ms))).toEqual(failures.map(pairBackoffMs));
  });

  it('takes a slot of all paces of a send, or of none, and says who refused', async () => {
    const scope = fc.record({ tatMs: tat, speed, pausedUntilMs: fc.constantFrom(0, 0, 0, nowMs + 1_234) });
    const optional = fc.option(perSecond);
    const send = fc.record({
      scopes: fc.tuple(scope, scope, scope),
      numberPerSecond: perSecond,
      wabaPerSecond: optional,
      tenantPerSecond: optional,
      pairTatMs: tat,
    });
    await alike(send, async (given) => {
      const inputs = given.map(({ scopes, pairTatMs, ...rules }) => ({
        rules: { ...rules, pairEveryMs: 6_000, pairBurst: 40 },
        pairTatMs,
        scopes: scopes.map((each) => ({
          tat_ms: each.tatMs,
          speed: stored(each.speed),
          paused_until_ms: each.pausedUntilMs,
        })),
      }));
      const rows = await schema.query(
        `SELECT CASE WHEN s.refused_by IS NULL THEN s.tats END AS tats, s.refused_until_ms AS "untilMs", s.refused_by AS by, s.is_paused AS paused
          FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (rules jsonb, "pairTatMs" double precision, scopes jsonb))
              WITH ORDINALITY AS i (rules, pair_tat_ms, scopes, nth),
            _take_slot((SELECT array_agg(p) FROM jsonb_populate_recordset(NULL::pace, i.scopes) p), i.rules, i.pair_tat_ms, $2::double precision, false) s
          ORDER BY i.nth`,
        [JSON.stringify(inputs), nowMs],
      );
      expect(rows).toEqual(given.map(slotByCore));
    });
  });
});

interface Scope {
  tatMs: number;
  speed: Speed;
  pausedUntilMs: number;
}

interface Asked {
  scopes: [Scope, Scope, Scope];
  numberPerSecond: number;
  wabaPerSecond: number | null;
  tenantPerSecond: number | null;
  pairTatMs: number;
}

/** What SQLite's driver does with the functions of the core. */
function slotByCore(asked: Asked) {
  const names = ['number', 'waba', 'tenant', 'pair'];
  for (const [index, scope] of asked.scopes.entries()) {
    const untilMs = Math.max(nowMs, scope.pausedUntilMs, pausedUntilMs(scope.speed, nowMs));
    if (untilMs > nowMs) return { tats: null, untilMs, by: names[index], paused: true };
  }
  const own = [asked.numberPerSecond, asked.wabaPerSecond, asked.tenantPerSecond];
  const checks: (PaceCheck & { at: number })[] = [];
  for (const [at, scope] of asked.scopes.entries()) {
    const factor = speedFactor(scope.speed, nowMs);
    const rate = own[at] ?? (factor < 1 ? asked.numberPerSecond : null);
    if (rate === null) continue;
    checks.push({ at, tatMs: scope.tatMs, pace: paceOfPerSecond(rate * Math.max(factor, 1 / 64)) });
  }
  checks.push({ at: 3, tatMs: asked.pairTatMs, pace: { everyMs: 6_000, burst: 40 } });
  const grant = grantAll(checks, nowMs);
  if (!grant.granted) {
    const by = names[checks[grant.index]?.at ?? 3];
    return { tats: null, untilMs: grant.atMs, by, paused: false };
  }
  const tats: (number | null)[] = [null, null, null, null];
  for (const [index, { at }] of checks.entries()) tats[at] = grant.tatMs[index] ?? null;
  return { tats, untilMs: null, by: null, paused: false };
}

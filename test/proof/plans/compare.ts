/**
 * The same scene on a store that is almost empty and on one that is full of old rows, door by door: what each call costs in buffers, and which
 * plans read a whole table.
 *
 * What may grow is the height of an index: to go down a tree of four levels takes four pages. So each index of the almost empty store is
 * reckoned with the levels that it has in the full one, and that sum may be exceeded by a fifth. Nothing else may grow.
 */
import pg from 'pg';
import { limits } from '#core/limits.ts';
import { Scene } from '#testing/store-conformance/scene.ts';
import { playRound, type Step } from './doors.ts';
import { bringOldRows, type OldRows } from './old-rows.ts';
import { type Pruned, pruneHalf, vacuumed } from './pruning.ts';
import { type Cost, openWatched, type Relation, type Watched } from './watched.ts';

export interface DoorFigures {
  step: string;
  /** The functions that it called. */
  doors: string[];
  /** Buffers of the calls of a round, the median of the measured rounds. */
  empty: number;
  full: number;
  /** What `empty` would be with indexes as high as those of `full`. */
  expected: number;
  wholeReads: string[];
}

export interface Figures {
  /** Of a process whose plans were made while the store was almost empty, and nobody has analyzed the rows since. */
  oldPlans: DoorFigures[];
  /** Of one that came after the rows were analyzed. */
  newPlans: DoorFigures[];
  events: number;
  /** What it took to delete half of the old rows, and what hot statements cost then, before and after a vacuum. */
  pruned?: Pruned & { beforeVacuum: DoorFigures[]; afterVacuum: DoorFigures[] };
}

export interface Place {
  url: string;
  schema: string;
  functionsSchema: string;
}

/** What a call may cost beyond the height of indexes. */
export const growthMax = 1.2;
/** A plan is kept from its sixth use on, so by then it is the one that stays. */
const roundsBefore = 7;
const roundsMeasured = 3;

/** What a step may read beside, since it says itself how much it reads at most: gauges are of the whole store. */
const bounded: ReadonlyMap<string, number> = new Map([['stats', limits.statsPagesMax + limits.statsRowsMax]]);

/** A look at what is open takes some tens of pages, and passes rows that are dead and not yet vacuumed: some more of them are no growth. */
const pagesToSpare = 16;

export function hasGrown({ step, full, expected }: DoorFigures): boolean {
  return full > expected * growthMax + (bounded.get(step) ?? pagesToSpare);
}

export interface CompareOptions {
  /** Also deletes half of the old rows. */
  prunes?: boolean;
  /** Whether Postgres has looked at the almost empty tables when the first plans are made; if not, it guesses. */
  startsAnalyzed?: boolean;
  tell?: (words: string) => void;
}

/** The schema is new; `rows` without their time, which is the scene's. */
export async function compareStores(
  place: Place,
  rows: Omit<OldRows, 'nowMs'>,
  { prunes = false, startsAnalyzed = true, tell = () => {} }: CompareOptions = {},
): Promise<Figures> {
  const client = new pg.Client({ connectionString: place.url });
  await client.connect();
  try {
    await client.query(`SET search_path = ${place.schema}`);
    // What was measured must not change by itself.
    await holdVacuum(client, place.schema);
    const early = await openWatched(place);
    const scene = new Scene({ store: early.store, close: () => early.close() });
    const rounds = countRounds(scene);
    try {
      await rounds.play(2);
      if (startsAnalyzed) await client.query('VACUUM (ANALYZE)');
      await rounds.play(roundsBefore);
      const empty = await rounds.measure(early, roundsMeasured);
      const levelsBefore = await early.relations();
      tell('the almost empty store is measured');
      await bringOldRows(client, { ...rows, nowMs: scene.nowMs });
      tell('the old rows are there');
      const oldPlans = await rounds.measure(early, roundsMeasured);
      await client.query('VACUUM (ANALYZE)');
      tell('and analyzed');
      const late = await openWatched(place);
      try {
        scene.store = late.store;
        await rounds.play(roundsBefore);
        const newPlans = await rounds.measure(late, roundsMeasured);
        const levels = { before: levelsBefore, after: await late.relations() };
        const { rows: counted } = await client.query<{ events: number }>(
          'SELECT count(*)::int AS events FROM event',
        );
        const figures: Figures = {
          oldPlans: figuresOf(empty, oldPlans, levels),
          newPlans: figuresOf(empty, newPlans, levels),
          events: counted[0]?.events ?? 0,
        };
        if (!prunes) return figures;
        const pruned = await pruneHalf(late.store, client, { schema: place.schema, nowMs: scene.nowMs });
        tell('half of them are deleted');
        const beforeVacuum = figuresOf(empty, await rounds.measure(late, roundsMeasured), levels);
        const after = await vacuumed(client, place.schema);
        tell('and vacuumed');
        const afterVacuum = figuresOf(empty, await rounds.measure(late, roundsMeasured), levels);
        return { ...figures, pruned: { ...pruned, ...after, beforeVacuum, afterVacuum } };
      } finally {
        await late.close();
      }
    } finally {
      await early.close();
    }
  } finally {
    await client.end();
  }
}

async function holdVacuum(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'",
    [schema],
  );
  for (const { name } of rows) await client.query(`ALTER TABLE ${name} SET (autovacuum_enabled = false)`);
}

/** Costs of each step, of each round. */
type Costs = Map<string, Cost[]>;

function countRounds(scene: Scene) {
  let round = 0;
  return {
    async play(count: number): Promise<void> {
      for (let n = 0; n < count; n += 1) await playRound(scene, ++round, (_, act) => act());
    },
    async measure(watched: Watched, count: number): Promise<Costs> {
      const costs: Costs = new Map();
      const step: Step = async (name, act) => {
        const { answer, cost } = await watched.cost(act);
        costs.set(name, [...(costs.get(name) ?? []), cost]);
        return answer;
      };
      for (let n = 0; n < count; n += 1) await playRound(scene, ++round, step);
      return costs;
    },
  };
}

function figuresOf(
  empty: Costs,
  full: Costs,
  levels: { before: Map<string, Relation>; after: Map<string, Relation> },
): DoorFigures[] {
  return [...empty].map(([step, costs]) => {
    const others = full.get(step) ?? [];
    return {
      step,
      doors: [...new Set(others.flatMap(({ doors }) => [...doors]))],
      empty: medianOf(costs.map(({ buffers }) => buffers)),
      full: medianOf(others.map(({ buffers }) => buffers)),
      expected: medianOf(costs.map((cost) => expectedOf(cost, levels))),
      wholeReads: [...new Set(others.flatMap(({ wholeReads }) => [...wholeReads]))],
    };
  });
}

function expectedOf(
  cost: Cost,
  { before, after }: { before: Map<string, Relation>; after: Map<string, Relation> },
): number {
  let expected = cost.buffers;
  for (const [name, buffers] of cost.relations) {
    const levelsBefore = before.get(name)?.levels ?? 1;
    const levelsAfter = after.get(name)?.levels ?? levelsBefore;
    expected += buffers * (levelsAfter / levelsBefore - 1);
  }
  return Math.round(expected);
}

function medianOf(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

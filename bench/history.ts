/**
 * `npm run bench -- history`: answers a second on a Postgres that holds the old rows of years, beside one that holds none, both on one server
 * of the bench's own, in turn. What an answer costs must not grow with what was answered before.
 */
import pg from 'pg';
import { atMost } from './aims.ts';
import { startOnPostgres } from './contestants.ts';
import { describeMachine } from './machine.ts';
import { type ThroughputFigures, throughputOf } from './measures/throughput.ts';
import { bringOldRows } from './old-rows.ts';
import { fullPlan, quickPlan } from './plan.ts';
import { medianOf, type Report, type Row, ratioOf } from './report.ts';
import { type Service, startPostgres, whyNot } from './services.ts';
import { buildTown, numbersOf } from './town.ts';

export interface HistoryOptions {
  quick: boolean;
  /** 5,000,000 if absent. */
  events?: number | undefined;
  /** 500,000 if absent. */
  conversations?: number | undefined;
}

/** How much slower an answer may be. */
const slowerMax = 1.15;
const places = ['new', 'old'] as const;
type Place = (typeof places)[number];

export async function measureHistory(options: HistoryOptions): Promise<Report> {
  const plan = options.quick ? quickPlan : fullPlan;
  const { events = 5_000_000, conversations = 500_000 } = options.quick
    ? { events: 100, conversations: 10, ...given(options) }
    : given(options);
  const startedAt = new Date().toISOString();
  const rows: Record<Place, Row> = { new: rowOf('a new store'), old: rowOf('a store of old rows') };
  const missing = await whyNot('Postgres');
  const notes: string[] = [];
  if (missing === null) notes.push(await measureBoth({ plan, rows, events, conversations }));
  else {
    for (const place of places) rows[place].skipped = missing;
    if (process.env.CI) process.exitCode = 1;
  }
  const both = places.map((place) => rows[place]);
  const slower = ratioOf(both, {
    measure: 'history',
    figure: 'answersPerSecond',
    above: rows.new.subject,
    below: rows.old.subject,
  });
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [
      `Medians of ${plan.rounds} rounds${options.quick ? ' (a smoke run: these figures mean nothing)' : ''}: ${plan.throughput.messages} messages as fast as they are acknowledged, ${plan.tenants} tenants, ${plan.contacts} contacts known from a round that is not counted, three statuses each, one process, WAKE=local.`,
      ...notes,
    ],
    rows: both.map((row) => ({ ...row, median: medianOf(row.rounds) })),
    aims: [atMost('answers/s of a new store, to those with old rows', slowerMax, slower)],
  };
}

function given({ events, conversations }: HistoryOptions): { events?: number; conversations?: number } {
  return { ...(events !== undefined && { events }), ...(conversations !== undefined && { conversations }) };
}

const rowOf = (subject: string): Row => ({ measure: 'history', subject, rounds: [] });

interface Measured {
  plan: typeof fullPlan;
  rows: Record<Place, Row>;
  events: number;
  conversations: number;
}

/** Answers what was brought in. */
async function measureBoth({ plan, rows, events, conversations }: Measured): Promise<string> {
  const postgres = await startPostgres();
  try {
    const databases: Record<Place, Service> = {
      new: await databaseOf(postgres, 'new_store'),
      old: await databaseOf(postgres, 'old_store'),
    };
    const measure = async (place: Place): Promise<ThroughputFigures> => {
      const town = await buildTown({
        contestant: 'Nightdesk on Postgres',
        start: (options) => startOnPostgres(options, databases[place], null),
        ...{ tenants: plan.tenants, contacts: plan.contacts, sendsPerSecondMax: plan.sendsPerSecondMax },
      });
      try {
        return await throughputOf(town, plan);
      } finally {
        await town.close();
      }
    };
    // A round that is not counted makes the tables and the tenants, and the customers known, in both.
    for (const place of places) await measure(place);
    const beginMs = performance.now();
    const numbers = numbersOf(plan.tenants);
    const tenants = numbers.map(({ id, wabaId }, at) => ({
      tenantId: `tenant-${at}`,
      phoneNumberId: id,
      wabaId,
    }));
    const nowMs = performance.timeOrigin + performance.now();
    const held = await bringOldRows(databases.old.url, { tenants, conversations, events }, nowMs);
    const tookS = Math.round((performance.now() - beginMs) / 1_000);
    process.stderr.write(`${held.events} events brought in after ${tookS} s\n`);
    for (let round = 0; round < plan.rounds; round++)
      for (const place of places) rows[place].rounds.push(await measure(place));
    return `The old store held ${held.events} events in ${held.conversations} conversations and a send for each answer before the first round; to bring them in took ${tookS} s.`;
  } finally {
    await postgres.stop();
  }
}

/** A database of its own on the server, which outlives whoever leans on it. */
async function databaseOf(postgres: Service, name: string): Promise<Service> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return { ...postgres, url: url.href, stop: () => Promise.resolve() };
}

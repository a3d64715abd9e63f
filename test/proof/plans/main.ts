/**
 * `npm run proof -- plans --rows 10000000`: whether old rows make a hot statement dearer. So many old messages, as many sends and a quarter as
 * many of everything else are brought into a schema of its own, which is dropped at the end.
 *
 * The Postgres is that of the tests (`TEST_POSTGRES_URL`); its user must be a superuser, who alone may look at plans from inside.
 */
import { parseArgs } from 'node:util';
import { isPostgresHere, makeSchema, postgresUrl } from '../../store/postgres/server.ts';
import { compareStores, type DoorFigures, type Figures, growthMax, hasGrown } from './compare.ts';

const messagesEach = 4;

export async function provePlans(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { rows: { type: 'string', default: '10000000' } } });
  const messages = Number(values.rows);
  if (!(await isPostgresHere())) return process.env.CI === undefined;
  const startedMs = performance.now();
  const tell = (words: string) =>
    process.stdout.write(`${Math.round((performance.now() - startedMs) / 1_000)} s: ${words}\n`);
  const schema = await makeSchema('plans');
  try {
    const place = { url: postgresUrl, schema: schema.name, functionsSchema: schema.functionsSchema };
    const conversations = Math.ceil(messages / messagesEach);
    const { oldPlans, newPlans, events, pruned } = await compareStores(
      place,
      { conversations, messagesEach },
      { prunes: true, tell },
    );
    tell(`${events} events`);
    const verdicts = [
      report('plans made while the store was almost empty', oldPlans),
      report('plans made on the full store', newPlans),
    ];
    if (pruned !== undefined) reportPruned(pruned);
    return verdicts.every(Boolean);
  } finally {
    await schema.drop();
  }
}

function reportPruned(pruned: NonNullable<Figures['pruned']>): void {
  const { rows, seconds, megabytesBefore, megabytesAfter, vacuumSeconds } = pruned;
  process.stdout.write(
    `\n${rows} rows deleted in ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} a second; vacuumed in ${vacuumSeconds.toFixed(1)} s; ${megabytesBefore} MB before and ${megabytesAfter} MB after\n`,
  );
  report('half of the old rows deleted, not vacuumed', pruned.beforeVacuum);
  report('vacuumed', pruned.afterVacuum);
}

function report(subject: string, doors: readonly DoorFigures[]): boolean {
  process.stdout.write(
    `\n${subject}\n| step | almost empty | with indexes as high as the full one's | full | to that | whole tables read |\n|---|---|---|---|---|---|\n`,
  );
  for (const { step, empty, expected, full, wholeReads } of doors)
    process.stdout.write(
      `| ${step} | ${empty} | ${expected} | ${full} | ${(full / expected).toFixed(2)} | ${wholeReads.join('; ') || 'none'} |\n`,
    );
  const missed = doors.filter((door) => hasGrown(door) || door.wholeReads.length > 0);
  process.stdout.write(
    `  ${missed.length === 0 ? 'reached' : 'MISSED '}  at most ${growthMax} times, and no table is read whole${missed.map(({ step }) => `; ${step}`).join('')}\n`,
  );
  return missed.length === 0;
}

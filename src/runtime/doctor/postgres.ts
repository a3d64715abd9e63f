/**
 * The doctor's look at a Postgres: whether it can be reached, has the newest schema, keeps what it says it has committed, and how long a
 * commit takes, which bounds how fast webhooks are acknowledged. It changes nothing.
 */
import { outlineOf } from '#core/model/faults.ts';
import type { Clock } from '#core/ports/world.ts';
import type { Examined } from '#store/postgres/database/examine.ts';
import type { DatabaseAt } from '../config.ts';
import { loadDriver } from '../postgres.ts';
import type { Finding } from './finding.ts';

const check = 'store';

export async function examinePostgres(
  { url, directUrl }: Extract<DatabaseAt, { driver: 'postgres' }>,
  clock: Clock,
): Promise<Finding[]> {
  try {
    const driver = await loadDriver();
    return findingsOf(await driver.examineServer({ url: directUrl ?? url }, clock));
  } catch (error) {
    return [
      {
        check,
        status: 'fail',
        says: `Postgres cannot be asked: ${outlineOf(error)}.`,
        todo: 'Check that it runs, and the host, the user and the password in DATABASE_URL.',
      },
    ];
  }
}

function findingsOf({ schema, version, newest, unsafe, roundTripMs, isReplica }: Examined): Finding[] {
  const answers = `Postgres answers within ${roundTripMs.toFixed(1)} ms`;
  if (isReplica)
    return [
      {
        check,
        status: 'fail',
        says: `${answers}, but is a replica, which takes no writes.`,
        todo: 'Name the primary in DATABASE_URL.',
      },
    ];
  if (unsafe.length > 0)
    return [
      {
        check,
        status: 'fail',
        says: `Postgres runs with ${unsafe.join(' and ')}: a crash of its machine loses messages that were acknowledged.`,
        todo: 'Set it back in postgresql.conf and reload; in production Nightdesk refuses to start like this.',
      },
    ];
  if (version > newest)
    return [
      {
        check,
        status: 'fail',
        says: `The schema ${schema} has version ${version}, this Nightdesk knows ${newest}.`,
        todo: 'Use the newer Nightdesk that made it.',
      },
    ];
  if (version < newest)
    return [
      {
        check,
        status: 'warn',
        says: `${answers}; the schema ${schema} has version ${version}, this Nightdesk wants ${newest}.`,
        todo: 'Run nightdesk start or nightdesk migrate, which brings it there.',
      },
    ];
  return [{ check, status: 'ok', says: `${answers}; schema ${schema}, version ${version}.` }];
}

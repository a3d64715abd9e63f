/**
 * The Postgres driver of the store port: for several processes or machines on one database. Each room binds its methods to functions
 * of the database, which do the work in one round trip; `database/` says how they are called, grouped and installed. To add a
 * method, write its function and its binding in the room of its subject.
 */
import type { Store } from '#core/ports/store.ts';
import { contactDataMethods } from './contacts/contact-data.ts';
import { Database, type DatabaseOptions } from './database/database.ts';
import { install } from './database/install.ts';
import { fileMethods } from './files.ts';
import { activityMethods } from './mailbox/activities.ts';
import { appendMethods } from './mailbox/append.ts';
import { businessMethods } from './mailbox/business.ts';
import { historyMethods } from './mailbox/history.ts';
import { turnMethods } from './mailbox/turns.ts';
import { moneyMethods } from './money/money.ts';
import { operatorMethods } from './operators/operators.ts';
import { outboxMethods } from './outbox/outbox.ts';
import { tenantMethods } from './tenants.ts';
import { upkeepMethods } from './upkeep/upkeep.ts';

export { followClock } from './clock.ts';
export { type CopyTarget, openCopyTarget } from './copying/target.ts';
export { examineServer } from './database/examine.ts';
export { PostgresRefused } from './database/faults.ts';
export { install as migrateDatabase } from './database/install.ts';
export { unsafeSettings } from './database/safety.ts';
export { openPostgresNotices } from './notices.ts';

/** @throws as `openDatabase` does */
export async function openPostgresStore(options: DatabaseOptions): Promise<Store> {
  return storeOn(await openDatabase(options));
}

/** Connects and installs what this code needs. @throws PostgresRefused where it cannot be used, Fault storeUnavailable where it cannot be reached. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { functionsSchema } = await install(options);
  return new Database(options, functionsSchema);
}

/** The store on a database that is open; closing the store closes it. */
export function storeOn(db: Database): Store {
  return {
    driver: 'postgres',
    ...tenantMethods(db),
    ...fileMethods(db),
    ...turnMethods(db),
    ...activityMethods(db),
    ...moneyMethods(db),
    ...outboxMethods(db),
    ...appendMethods(db),
    ...businessMethods(db),
    ...historyMethods(db),
    ...operatorMethods(db),
    ...upkeepMethods(db),
    ...contactDataMethods(db),
    close: () => db.close(),
  } as Store;
}

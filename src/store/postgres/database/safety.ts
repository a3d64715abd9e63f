/**
 * Settings of the server under which a commit that returned can be lost. Replicas are another matter: one that follows asynchronously
 * lacks the last moments when it takes over, which no setting of the server itself shows. To demand another setting, add it here.
 */
import type { Database } from './database.ts';

/** The value that a commit needs to be durable; others lose it in a crash of the process or of the machine. */
const safe: Readonly<Record<string, readonly string[]>> = {
  fsync: ['on'],
  synchronous_commit: ['on', 'local', 'remote_write', 'remote_apply'],
  full_page_writes: ['on'],
};

/** What is set otherwise, as `name = value`. @throws Fault storeUnavailable */
export async function unsafeSettings(db: Database): Promise<string[]> {
  return unsafeOf(await db.call<Record<string, string>>('durability_settings', {}));
}

export function unsafeOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(safe)
    .filter(([name, values]) => !values.includes(settings[name] ?? ''))
    .map(([name]) => `${name} = ${settings[name]}`);
}

/** What two stores are compared by: the answers to every read of the port, and the rows of every table as texts. */
import { DatabaseSync } from 'node:sqlite';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import type { ContactCursor } from '#core/ports/store-contacts.ts';
import { everyState, hourMs } from '#testing/store-conformance/scene.ts';

/** Of the one file that there is. */
const fileId = 'a'.repeat(64);

async function exported(store: Store, contactId: string) {
  const rows: unknown[] = [];
  for (let after: ContactCursor | null = null; ; ) {
    const page = await store.readContact({ tenantId: 'acme', contactId, after, bytesMax: 1_000 });
    rows.push(...page.rows);
    if (page.next === null) return rows;
    after = page.next;
  }
}

/** Every read of the port, for everything that is there; lists without their order where equal times leave it open. */
export async function answers(
  store: Store,
  refs: readonly ConversationRef[],
  nowMs: number,
): Promise<Record<string, unknown>> {
  const unordered = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(sorted(row))).sort();
  const both = async (read: (open: boolean) => Promise<readonly unknown[]>) =>
    unordered([...(await read(true)), ...(await read(false))]);
  const contacts = await Promise.all(
    ['DE.77', 'US.9', '+1 5551', 'US.60'].map((contact) => store.findContacts({ tenantId: 'acme', contact })),
  );
  const ofEach = <T>(read: (ref: ConversationRef) => Promise<T>) => Promise.all(refs.map(read));
  return {
    contacts,
    tenants: await store.readTenants(),
    flags: await both((open) => store.listFlags({ open, max: 999 })),
    deadLetters: await both((open) => store.listDeadLetters({ open, max: 999 })),
    quarantine: await both((open) => store.listQuarantine({ open, max: 999 })),
    sends: unordered(await store.listSends({ states: everyState, max: 999 })),
    states: await store.listStates({ after: null, max: 999 }),
    holds: await store.listIdleHolds({ nowMs: nowMs + hourMs, idleMs: 1, max: 9 }),
    ledger: await store.readLedger({ by: ['activity', 'contact'] }),
    limits: await store.readLimits({ sinceMs: 0 }),
    keys: await store.listApiKeys({ max: 9 }),
    key: await store.findApiKey('d1'),
    file: await store.findFile({ tenantId: 'acme', fileId }),
    upload: await store.findUpload({ tenantId: 'acme', fileId, phoneNumberId: '100', nowMs }),
    histories: await ofEach((ref) => store.readHistory({ ref, throughFence: 99, max: 50 })),
    transcripts: await ofEach((ref) => store.readTranscript({ ref, max: 50 })),
    exports: await Promise.all(contacts.flat().map((contactId) => exported(store, contactId))),
    counts: await Promise.all(
      contacts.flat().map((contactId) => store.countContact({ tenantId: 'acme', contactId })),
    ),
    audit: await store.audit({ sinceMs: 0, nowMs: nowMs + hourMs }),
  };
}

/** Fields in the order of their names. */
const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !(value instanceof Uint8Array) && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .map(([name, each]) => [name, sorted(each)] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      )
    : value;

/** Each table's rows as texts, by the names and forms of SQLite. */
export function rowsOfFile(path: string): Map<string, string[]> {
  const db = new DatabaseSync(path, { readOnly: true });
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'moved' ORDER BY name")
    .all() as { name: string }[];
  const rows = tables.map(({ name }) => {
    const found = db.prepare(`SELECT * FROM "${name}"`).all();
    return [name, found.map(inText).sort()] as const;
  });
  db.close();
  return new Map(rows);
}

export const inText = (row: object): string =>
  Object.entries(row)
    .filter(([name]) => !(name === 'nth' && !('request' in row)))
    .map(([name, value]) => `${name === 'ending' ? 'end' : name}=${cellInText(value)}`)
    .sort()
    .join(' ');

function cellInText(value: unknown): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}

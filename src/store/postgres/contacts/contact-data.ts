/**
 * What is stored of one contact, and its erasure; see contact-scope.sql, contact-export.sql, contact-files.sql, contact-mentions.sql and
 * erase.sql. To export or erase another table, change those.
 */
import { Fault } from '#core/model/faults.ts';
import type { SendBody } from '#core/model/sends.ts';
import type {
  ContactContent,
  ContactCursor,
  ContactPage,
  ContactRow,
  ContactStore,
  ErasedContact,
} from '#core/ports/store-contacts.ts';
import type { Database } from '../database/database.ts';
import { isRetriable } from '../database/faults.ts';
import { type Mentions, readMentions } from './contact-mentions.ts';

/** What is left of a body: a text that says nothing, which everything that shows bodies can show. */
const emptyBody = JSON.stringify({ type: 'text', text: { body: '' } } satisfies SendBody);

export function contactDataMethods(db: Database): ContactStore {
  return {
    findContacts: ({ tenantId, contact }) =>
      db.call('find_contacts', { tenantId, contact, addresses: [contact, digitsOf(contact)] }),
    readContact: (input) => readContact(db, input),
    async countContact(input) {
      type Counted = Omit<ContactContent, 'files' | 'quarantined' | 'notices'>;
      const { quarantined, notices } = await readMentions(db, input);
      const counted = await db.call<Counted>('count_contact', { ...input, emptyBody });
      return { ...counted, quarantined: quarantined.length, notices: notices.length };
    },
    listContactFiles: (input) => db.call('list_contact_files', input),
    findFileUses: (input) => db.call('find_file_uses', input),
    eraseContact: (input) => eraseContact(db, input),
  };
}

/** A phone as Meta writes it, whatever a person puts between its digits. */
const digitsOf = (phone: string): string => phone.replace(/[+ ()./-]/g, '');

// --- reading ----------------------------------------------------------------------------------------------------------

interface StoredPage {
  rows: ContactRow[];
  bytes: number;
  /** Null where all tables are read that have a key to go on from. */
  next: ContactCursor | null;
}

/** Columns that hold JSON, whatever the section. What a system of the business sent is kept as text, which need not be JSON. */
const jsonColumns: ReadonlySet<string> = new Set([
  'dialogState',
  'content',
  'raw',
  'body',
  'ifWindowClosed',
  'input',
  'result',
]);

/** Behind all parts that are in the database, which number their own. */
const listsFrom = 1_000;

type Contact = { tenantId: string; contactId: string };

/** Small, and found by another way than a key: each is read at once, after all parts. */
const lists: readonly ((db: Database, contact: Contact) => Promise<ContactRow[]>)[] = [
  async (db, contact) => {
    const { quarantined } = await readMentions(db, contact);
    return quarantined.map((each) => ({ section: 'quarantine', row: { ...each } }));
  },
  async (db, contact) => {
    const { notices } = await readMentions(db, contact);
    return notices.map(({ dedupeKey: _, ...notice }) => ({ section: 'notices', row: { ...notice } }));
  },
  async (db, contact) => {
    const files = await db.call<Record<string, unknown>[]>('read_contact_files', contact);
    return files.map((row) => ({ section: 'files', row }));
  },
];

async function readContact(
  db: Database,
  { tenantId, contactId, after, bytesMax }: Parameters<ContactStore['readContact']>[0],
): Promise<ContactPage> {
  const contact = { tenantId, contactId };
  const rows: ContactRow[] = [];
  let bytes = 0;
  let list = (after?.part ?? 0) - listsFrom;
  if (list < 0) {
    const page = await db.call<StoredPage>('read_contact', { ...contact, after, bytesMax });
    rows.push(...page.rows.map(({ section, row }) => ({ section, row: withJson(section, row) })));
    if (page.next !== null) return { rows, next: page.next };
    bytes = page.bytes;
    list = 0;
  }
  for (const read of lists.slice(list)) {
    if (bytes >= bytesMax) return { rows, next: { part: listsFrom + list, scope: 0, after: null } };
    const found = await read(db, contact);
    rows.push(...found);
    bytes += JSON.stringify(found).length;
    list += 1;
  }
  return { rows, next: null };
}

function withJson(section: string, row: Record<string, unknown>): Record<string, unknown> {
  const isJson = (name: string) =>
    // The fault of a dead letter is words, that of an activity a fault.
    jsonColumns.has(name) || (name === 'fault' && section === 'activities');
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      isJson(name) && typeof value === 'string' ? parsed(value) : value,
    ]),
  );
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

// --- erasing ----------------------------------------------------------------------------------------------------------

type Erased = Omit<ErasedContact, 'isScrubbed'>;

/** Each time somebody else has changed the contact meanwhile; so often in a row nobody does. */
const looksMax = 10;

/**
 * What names the contact in quarantine and notices is looked at before, by its addresses; an erasure under lock that finds others than
 * those, or more contacts than it has locked, changes nothing, and all is looked at anew.
 */
async function eraseContact(
  db: Database,
  input: Parameters<ContactStore['eraseContact']>[0],
): Promise<ErasedContact> {
  for (let look = 1; look <= looksMax; look += 1) {
    const order = { ...input, ...keysOf(await readMentions(db, input)), emptyBody };
    const erased = await db
      .change<Erased | null>('eraseContact', 'erase_contact', order)
      .catch((error: unknown) => {
        // A merge that locked the other way round: nothing was changed.
        if (error instanceof Error && isRetriable(error.cause)) return null;
        throw error;
      });
    // A dead version of a row leaves its page when others take its room, the log of commits and its archive when the server lets it
    // go: no statement of ours can say when that is.
    if (erased !== null) return { ...erased, isScrubbed: null };
  }
  throw new Fault(
    'storeUnavailable',
    `The contact ${input.contactId} was changed by others ${looksMax} times while it was to be erased. Nothing of it was; try again.`,
  );
}

const keysOf = ({ addresses, quarantined, notices }: Mentions) => ({
  addresses,
  quarantined: quarantined.map(({ tenantId, quarantineId }) => ({ tenantId, quarantineId })),
  notices: notices.map(({ dedupeKey }) => dedupeKey),
});

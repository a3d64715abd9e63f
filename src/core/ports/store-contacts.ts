/**
 * The part of the store that answers a customer's requests under data protection law: what is kept about one contact of one
 * tenant, and its erasure. Contacts that were merged are one: every id of it leads to the one that is left.
 */

/** Kinds of rows in the order in which they are read; each is a list of the exported document. */
export const contactSections = [
  'contacts',
  'addresses',
  'conversations',
  'events',
  'sends',
  'timers',
  'flags',
  'deadLetters',
  'actions',
  'activities',
  'ledger',
  'limits',
  'quarantine',
  'notices',
  'files',
] as const;

export type ContactSection = (typeof contactSections)[number];

/** Where reading goes on; made by the store, of no use to anybody else. */
export interface ContactCursor {
  part: number;
  scope: number;
  after: string | number | null;
}

export interface ContactRow {
  section: ContactSection;
  /** Names of fields are in `docs/contact-data.md`. */
  row: Record<string, unknown>;
}

export interface ContactPage {
  rows: ContactRow[];
  /** Null where this was the last page. */
  next: ContactCursor | null;
}

/** Rows that still hold something of the customer, of each kind; all 0 where nothing is left. */
export interface ContactContent {
  addresses: number;
  /** Contacts with a name, a username or an address of their own. */
  profiles: number;
  events: number;
  sends: number;
  activities: number;
  /** Conversations with a stored state of a dialog. */
  states: number;
  timers: number;
  flags: number;
  deadLetters: number;
  quarantined: number;
  notices: number;
  /** Stored files that nothing of another contact names. */
  files: number;
}

export interface FileUseCursor {
  part: number;
  after: [id: string, nth: number];
}

export interface ErasedContact {
  /** What was erased. */
  content: ContactContent;
  /** Events that wanted an answer and get none any more. */
  eventsEnded: number;
  sendsWithdrawn: number;
  /** Activities that ran; whoever runs them is told to stop. */
  cancelled: string[];
  /**
   * False where somebody else reads the database just now, so that the bytes stand in its log of commits until it is written anew; null
   * where the engine keeps old bytes by its own rules, so that nobody can say when they are gone (`docs/contact-data.md`).
   */
  isScrubbed: boolean | null;
}

export interface ContactStore {
  /**
   * The contacts that an address, or an id of ours, leads to, after merges: none, one, or several where the same address is
   * known to several wabas of the tenant.
   */
  findContacts(input: { tenantId: string; contact: string }): Promise<string[]>;
  /** A page of everything that is stored of a contact, at least one row and then up to `bytesMax` of JSON, about. */
  readContact(input: {
    tenantId: string;
    contactId: string;
    after: ContactCursor | null;
    bytesMax: number;
  }): Promise<ContactPage>;
  countContact(input: { tenantId: string; contactId: string }): Promise<Omit<ContactContent, 'files'>>;
  /** Ids of stored files that something of the contact names. */
  listContactFiles(input: { tenantId: string; contactId: string }): Promise<string[]>;
  /**
   * Looks through a part of what is stored of the tenant's other contacts, `maxRows` rows at most; returns those of the files
   * that are named there, and where to go on, null at the end.
   */
  findFileUses(input: {
    tenantId: string;
    contactId: string;
    fileIds: string[];
    after: FileUseCursor | null;
    maxRows: number;
  }): Promise<{ used: string[]; next: FileUseCursor | null }>;
  /**
   * Takes the content out of everything that is stored of a contact, and ends what is under way: open events end as needing
   * no answer, by the rule `erased`; sends that have not left are withdrawn; activities are cancelled and paid ones go the way
   * of their ledger. What proves that nothing is done twice stays: dedupe keys, wamids, ids, states, times and amounts. Nothing
   * leads to the contact any more; the same customer begins a new one. `fileIds` become unused, unless somebody used them since
   * `filesSeenAtMs`. Again: erases what is left, mostly nothing.
   */
  eraseContact(input: {
    tenantId: string;
    contactId: string;
    fileIds: string[];
    filesSeenAtMs: number;
    by: string;
    nowMs: number;
  }): Promise<ErasedContact>;
}

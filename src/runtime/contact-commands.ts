/**
 * The commands for requests of customers under data protection law: a page of everything that is stored of a contact, and its
 * erasure. Nothing of what is erased is logged.
 */
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type {
  ContactContent,
  ContactCursor,
  ContactPage,
  ErasedContact,
} from '#core/ports/store-contacts.ts';
import type { Nightdesk } from './nightdesk.ts';

export interface ContactAnswer extends ContactPage {
  contactId: string;
  atMs: number;
}

export interface EraseAnswer extends Omit<ErasedContact, 'cancelled'> {
  /** Null where no contact is known by that address or id, so that nothing is stored under it. */
  contactId: string | null;
  /** False where it was only shown what would go. */
  isErased: boolean;
  activitiesCancelled: number;
}

/** What the store gave with the page before. @throws Fault badRequest */
export function cursorOf(given: unknown): ContactCursor | null {
  if (given === null || given === undefined) return null;
  const { part, scope, after } = given as Partial<Record<keyof ContactCursor, unknown>>;
  const isKey = after === null || typeof after === 'string' || typeof after === 'number';
  if (Number.isSafeInteger(part) && Number.isSafeInteger(scope) && isKey)
    return { part: Number(part), scope: Number(scope), after };
  throw new Fault('badRequest', '"after" is not what an earlier page gave.');
}

type Deps = Pick<Nightdesk, 'store' | 'world' | 'directory' | 'nudge'>;

interface Asked {
  tenantId: string;
  /** An address, or an id of ours. */
  contact: string;
}

/** @throws Fault notFound, conflict */
export async function readContactFor(
  deps: Deps,
  asked: Asked & { after: ContactCursor | null },
): Promise<ContactAnswer> {
  const { store, world } = deps;
  const { tenantId, after } = asked;
  const contactId = await contactOf(deps, asked);
  if (contactId === null)
    throw new Fault('notFound', `Tenant ${tenantId} knows no contact by that id or address.`);
  const page = await store.readContact({ tenantId, contactId, after, bytesMax: limits.contactPageBytes });
  return { contactId, atMs: world.clock.nowMs(), ...page };
}

/** Erases where `isMeant`; else shows what would go. @throws Fault notFound, conflict */
export async function eraseContactFor(
  deps: Deps,
  asked: Asked & { isMeant: boolean; by: string },
): Promise<EraseAnswer> {
  const { store, world, nudge } = deps;
  const { tenantId, by } = asked;
  const contactId = await contactOf(deps, asked);
  const shown = {
    contactId,
    isErased: false,
    eventsEnded: 0,
    sendsWithdrawn: 0,
    activitiesCancelled: 0,
    isScrubbed: true,
  };
  if (contactId === null) return { ...shown, content: nothing };
  const filesSeenAtMs = world.clock.nowMs();
  const fileIds = await filesOfNobodyElse(deps, { tenantId, contactId });
  if (!asked.isMeant) {
    const content = { ...(await store.countContact({ tenantId, contactId })), files: fileIds.length };
    return { ...shown, content };
  }
  const nowMs = world.clock.nowMs();
  const { cancelled, ...erased } = await store.eraseContact({
    tenantId,
    contactId,
    fileIds,
    filesSeenAtMs,
    by,
    nowMs,
  });
  nudge({ cancelled });
  const { events, sends, files } = erased.content;
  world.log.info({ tenantId, contactId, events, sends, files }, 'The content of a contact was erased.');
  return { ...erased, contactId, isErased: true, activitiesCancelled: cancelled.length };
}

const nothing: ContactContent = {
  ...{ addresses: 0, profiles: 0, events: 0, sends: 0, activities: 0, states: 0, timers: 0, flags: 0 },
  ...{ deadLetters: 0, quarantined: 0, notices: 0, files: 0 },
};

async function contactOf({ store, directory }: Deps, { tenantId, contact }: Asked): Promise<string | null> {
  if (directory.tenant(tenantId) === undefined)
    throw new Fault('notFound', `There is no tenant ${tenantId}. List the tenants for their ids.`);
  const found = await store.findContacts({ tenantId, contact });
  if (found.length > 1)
    throw new Fault(
      'conflict',
      `That address leads to ${found.length} contacts, one for each waba that knows it: ${found.join(', ')}. Name each by its id, one after the other.`,
    );
  return found[0] ?? null;
}

/** In small steps, since everything that is stored of the tenant is looked through. */
async function filesOfNobodyElse(
  { store }: Deps,
  contact: { tenantId: string; contactId: string },
): Promise<string[]> {
  let fileIds = await store.listContactFiles(contact);
  let after: Parameters<typeof store.findFileUses>[0]['after'] = null;
  while (fileIds.length > 0) {
    const found = await store.findFileUses({ ...contact, fileIds, after, maxRows: limits.contactLookRows });
    fileIds = fileIds.filter((fileId) => !found.used.includes(fileId));
    if (found.next === null) break;
    after = found.next;
  }
  return fileIds;
}

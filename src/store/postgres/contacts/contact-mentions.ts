/**
 * Which of the things that hold a customer's address are about them: items and bodies in quarantine, and notices. Of a body that could not be
 * read nobody knows whose it is, so it counts for each customer whom it names.
 */
import type { InboundMessage, InboundStatus } from '#core/model/events.ts';
import type { Database } from '../database/database.ts';

interface QuarantinedOfContact {
  quarantineId: string;
  /** Empty where it came by the shared path. */
  tenantId: string;
  reason: string;
  phoneNumberId: string | null;
  createdAtMs: number;
  /** Null of a body, which may be about others, too. */
  item: unknown;
}

interface NoticeOfContact {
  dedupeKey: string;
  field: string;
  phoneNumberId: string | null;
  atMs: number;
}

export interface Mentions {
  /** By which they were found. */
  addresses: string[];
  quarantined: QuarantinedOfContact[];
  notices: NoticeOfContact[];
}

/** What holds an address somewhere; bytes in base 64. */
interface Candidates {
  addresses: string[];
  quarantined: (Omit<QuarantinedOfContact, 'item'> & { item: string | null; bytes: string | null })[];
  notices: (NoticeOfContact & { raw: string })[];
}

export async function readMentions(
  db: Database,
  contact: { tenantId: string; contactId: string },
): Promise<Mentions> {
  const { tenantId, contactId } = contact;
  const found = await db.call<Candidates>('find_mentions', { tenantId, contactId });
  const { addresses } = found;
  return {
    addresses,
    quarantined: found.quarantined.flatMap(({ item: text, bytes, ...row }) => {
      const item = text === null ? null : (JSON.parse(text) as InboundMessage | InboundStatus);
      const isAbout =
        item === null
          ? names(Buffer.from(bytes ?? '', 'base64').toString('latin1'), addresses)
          : isOf(item, addresses);
      return isAbout ? [{ ...row, item }] : [];
    }),
    notices: found.notices.filter(({ raw }) => names(raw, addresses)).map(({ raw: _, ...notice }) => notice),
  };
}

function isOf(item: InboundMessage | InboundStatus, addresses: readonly string[]): boolean {
  const { phone, bsuid, parentBsuid } = item.type === 'message' ? item.sender : item.recipient;
  return [phone, bsuid, parentBsuid].some((each) => each !== undefined && addresses.includes(each));
}

/** An address as a word of its own: a longer number that holds it is another one. */
function names(text: string, addresses: readonly string[]): boolean {
  return addresses.some((address) => {
    for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1))
      if (!isLetter(text[at - 1]) && !isLetter(text[at + address.length])) return true;
    return false;
  });
}

const isLetter = (char: string | undefined): boolean => char !== undefined && /[A-Za-z0-9]/.test(char);

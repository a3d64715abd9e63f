/** What a run did, as the look-alikes and the store tell it: the figures that a run prints, beside what customers counted. */
import type { CheckoutDesk, Images, Meta } from '#simulator/index.ts';
import type { Books } from './books.ts';
import type { Notebook } from './notebook.ts';
import { heardOn, wordsOf } from './phone.ts';

/** Where one customer writes. */
export interface Place {
  phoneNumberId: string;
  contactId: string;
}

/** All that the business has said to these customers. */
export function heardBy(meta: Meta, places: readonly Place[]): string[] {
  return places.flatMap(({ phoneNumberId, contactId }) =>
    heardOn(meta.conversations.find(phoneNumberId, contactId)?.messages ?? []).map(wordsOf),
  );
}

interface LookAlikes {
  meta: Meta;
  images: Images;
  checkout: CheckoutDesk;
}

export function countSeen(
  book: Notebook,
  { meta, images, checkout }: LookAlikes,
  places: readonly Place[],
): void {
  const counters = meta.log.counters();
  const { calls, byStatus, charges } = images.stats();
  const words = heardBy(meta, places);
  const saying = (pattern: RegExp) => words.filter((each) => pattern.test(each)).length;
  book.count('reminders', saying(/Are you still there|Sigues ahí/));
  book.count('welcomes back', saying(/Welcome back|Qué bien que hayas vuelto/));
  book.count('webhooks doubled', counters.webhookDuplicated ?? 0);
  book.count('answers of Graph lost', meta.accepted.filter(({ answerLost }) => answerLost !== null).length);
  book.count('webhooks tried again', counters.webhookFailed ?? 0);
  book.count('requests to the provider', calls);
  book.count('provider failures', (byStatus['500'] ?? 0) + (byStatus['429'] ?? 0));
  book.count('provider refusals', byStatus['400'] ?? 0);
  book.count('provider hangs', byStatus.hang ?? 0);
  book.count('provider answers lost', byStatus.lost ?? 0);
  book.count('answered from the key', counters['image.repeated'] ?? 0);
  book.count('charges', charges);
  book.count('pages', checkout.stats().created);
  book.count('pages closed unpaid', checkout.stats().expired);
  book.count('payment events doubled', counters['fault.checkout.duplicateEvent'] ?? 0);
  book.count('payment events late', counters['fault.checkout.lateEvent'] ?? 0);
}

/** Counts of the run that stand in the store. */
export async function countStored(book: Notebook, { ask }: Books): Promise<void> {
  const count = async (what: string, sql: string) => {
    const [found] = await ask(sql);
    book.count(what, Number(found?.n));
  };
  await count('settled', "SELECT count(*) AS n FROM ledger_entry WHERE state = 'settled'");
  await count('presumed spent', 'SELECT count(*) AS n FROM ledger_entry WHERE presumed');
  await count('refunded', "SELECT count(*) AS n FROM ledger_entry WHERE state = 'refunded'");
  await count(
    'uncertain at the end',
    "SELECT count(*) AS n FROM ledger_entry WHERE state IN ('uncertain','asking')",
  );
  await count(
    'uncertain at some time',
    "SELECT count(DISTINCT activity_id) AS n FROM ledger_posting WHERE to_place = 'uncertain'",
  );
  await count('refused by a limit', 'SELECT coalesce(sum(refused), 0) AS n FROM limit_counter');
  await count('drawings used again', "SELECT count(*) AS n FROM activity WHERE reuse = 'used'");
}

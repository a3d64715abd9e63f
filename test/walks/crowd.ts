/** One customer before the button that costs money, for tests of many deliveries at once. No world is against them. */

import { Notebook } from './notebook.ts';
import { offersIn } from './phone.ts';
import { numbers, settingsOf } from './setting.ts';
import { openTown } from './town.ts';

export interface Crowd {
  shop: {
    /** The webhook of a message, as often again and all at once. */
    deliverAgain(tap: { wamid: string }, times: number): Promise<void>;
    delivered(tap: { wamid: string }): number;
    charges(): number;
    starts(): number;
    refusals(): number;
    close(): Promise<void>;
  };
  customer: { tap(option: string): { wamid: string } };
  /** Time enough for everything that is under way. */
  ended(): Promise<void>;
}

const contact = 'ana';
const minuteMs = 60_000;

export async function crowd(options: { seed: number; drawingsPerDay?: number }): Promise<Crowd> {
  const {
    seed,
    drawingsPerDay = settingsOf({ imagesUrl: '', checkoutUrl: '', honoursKeys: true }).drawingsPerDay,
  } = options;
  const town = await openTown({ seed, honoursKeys: true, book: new Notebook(), change: { drawingsPerDay } });
  const { world, meta, images } = town;
  town.heal();
  meta.faults.clear();
  images.clear();
  images.set({ latencyMs: { minMs: 3_000, maxMs: 3_000 } });
  const phoneNumberId = numbers[0]?.id ?? '';
  const { id: contactId } = meta.contacts.create({ phone: '16505550100', name: contact });
  const bodies: { rawBody: Uint8Array; signature: string | undefined }[] = [];
  const say = (fields: Readonly<Record<string, unknown>>) => {
    const said = meta.inbound.say({ ...fields, phoneNumberId, contact: contactId }, world.nowMs());
    town.pump();
    return said;
  };
  const tap = (option: string) => {
    const offers = (meta.conversations.find(phoneNumberId, contactId)?.messages ?? []).flatMap(offersIn);
    const offer = offers.findLast(({ id }) => id.split('.')[2] === option);
    if (offer === undefined) throw new Error(`The phone shows no button "${option}".`);
    return say({ type: offer.say, id: offer.id, replyTo: offer.wamid });
  };
  town.onWebhook((body) => void bodies.push(body));
  for (const text of ['hi', 'Carmen', 'a lighthouse', '1']) {
    say({ type: 'text', text });
    await world.advance(20_000);
  }
  const carrying = (wamid: string) =>
    bodies.filter(({ rawBody }) => Buffer.from(rawBody).toString().includes(wamid));
  const count = (sql: string) => (town.db.prepare(sql).get() as { n: number }).n;
  return {
    customer: { tap },
    ended: () => world.advance(3 * minuteMs),
    shop: {
      async deliverAgain({ wamid }, times) {
        await world.reach(() => carrying(wamid).length > 0, minuteMs);
        const [body] = carrying(wamid);
        if (body !== undefined) for (let nth = 0; nth < times; nth++) town.receive(body);
        await world.advance(1_000);
      },
      delivered: ({ wamid }) => carrying(wamid).length,
      charges: () => images.stats().charges,
      starts: () => count("SELECT count(*) AS n FROM activity WHERE name = 'draw'"),
      refusals: () => count('SELECT coalesce(sum(refused), 0) AS n FROM limit_counter'),
      close: () => town.close(),
    },
  };
}

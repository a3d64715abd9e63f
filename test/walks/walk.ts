/**
 * Walks on a virtual clock: customers come one after the other, each does some things at random, weeks pass, and then
 * everything must have come to an end. At last each of them says hello, and must be answered.
 */
import { createHash } from 'node:crypto';
import { sqliteBooks } from './books.ts';
import { judge } from './checks.ts';
import { Customer } from './customer.ts';
import { demanded, demandedOfTime, Notebook } from './notebook.ts';
import { heardOn } from './phone.ts';
import { drawingsPerDay, numbers } from './setting.ts';
import { streamOf } from './streams.ts';
import { countSeen, countStored, heardBy, type Place } from './tally.ts';
import { openTown, type WalkTown } from './town.ts';

export interface WalkOptions {
  seed: number;
  customers: number;
  honoursKeys: boolean;
  /** Of each customer. */
  acts?: number;
}

export interface WalkReport {
  book: Notebook;
  /** What is wrong, one a line; nothing where all is well. */
  problems: string[];
  /** What the run was to do and did not. */
  missing: string[];
  /** The same for the same seed. */
  hash: string;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** One new customer in this time. */
const arrivalMs = 15_000;
/** Pages close after a day, and charges are looked into for an hour or two. */
const drainMs = 30 * hourMs;
const walkMsMax = 12 * dayMs;

interface Walker extends Place {
  customer: Customer;
}

export async function walk(options: WalkOptions): Promise<WalkReport> {
  const { seed, honoursKeys } = options;
  const book = new Notebook();
  const town = await openTown({ seed, honoursKeys, book });
  try {
    const walkers = walkersOf(town, options, book);
    await passTime(town, options, walkers);
    const books = sqliteBooks((read) => read(town.db));
    const problems = [
      ...(await sayHello(town, walkers)),
      ...(await judge({
        ...{ books, charges: town.images.charges, checkouts: town.checkout.list() },
        ...{ heard: heardBy(town.meta, walkers), book, honoursKeys, drawingsPerDay },
      })),
      ...(await auditOf(town)),
    ];
    countSeen(book, town, walkers);
    await countStored(book, books);
    const missing = [...demanded, ...demandedOfTime].filter((what) => book.of(what) === 0);
    return { book, problems, missing, hash: hashOf(town) };
  } finally {
    await town.close();
  }
}

function walkersOf(town: WalkTown, { seed, customers }: WalkOptions, book: Notebook): Walker[] {
  const { world, meta, checkout } = town;
  const tryOn = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch {
      return false;
    } finally {
      town.pump();
    }
  };
  return Array.from({ length: customers }, (_, index) => {
    const phoneNumberId = numbers[index % numbers.length]?.id ?? '';
    const spec = { phone: `1650${String(index).padStart(7, '0')}`, name: `Customer ${index}` };
    const { id: contactId } = meta.contacts.create(spec);
    const random = streamOf(seed);
    const customer = new Customer({
      ...{ index, book, pace: { minMs: 1_500, maxMs: 60_000, silences: true } },
      random: () => random(`customer ${index}`),
      messages: () => meta.conversations.find(phoneNumberId, contactId)?.messages ?? [],
      say(fields) {
        const said = meta.inbound.say({ ...fields, phoneNumberId, contact: contactId }, world.nowMs());
        town.pump();
        return said;
      },
      payment: {
        pay: (page) => tryOn(() => checkout.pay(page, world.nowMs())),
        decline: (page) => tryOn(() => checkout.decline(page, world.nowMs())),
        expire: (page) => tryOn(() => checkout.expire(page, world.nowMs())),
      },
      after: (delayMs, fn) => void world.timers.after(delayMs, fn),
    });
    book.count('customers');
    return { customer, phoneNumberId, contactId };
  });
}

async function passTime(town: WalkTown, options: WalkOptions, walkers: readonly Walker[]): Promise<void> {
  const { world, images } = town;
  const { seed, acts = 20 } = options;
  const random = streamOf(seed);
  let open = walkers.length;
  for (const [index, { customer }] of walkers.entries()) {
    let left = acts;
    const step = () => {
      const waitMs = customer.act();
      left -= 1;
      if (left === 0) open -= 1;
      else world.timers.after(waitMs, step);
    };
    world.timers.after((index + random('arrival')) * arrivalMs, step);
  }
  const busyMs = walkers.length * arrivalMs + 20 * minuteMs;
  const killEveryMs = () => world.timers.after(random('kill') * 8 * minuteMs, kill);
  const kill = () => {
    if (world.nowMs() > beganMs + busyMs) return;
    town.kill(200 + random('away') ** 3 * 2 * minuteMs);
    killEveryMs();
  };
  const beganMs = world.nowMs();
  killEveryMs();
  const everyMinutes = (minutes: number, fn: () => void) => {
    const again = () => {
      fn();
      if (open > 0) world.timers.after(minutes * minuteMs, again);
    };
    world.timers.after(minutes * minuteMs, again);
  };
  everyMinutes(7, () => town.handBackAll());
  // Whether a request that hangs was charged is for nobody to know.
  everyMinutes(1, () => images.set({ hang: { charged: random('hang') < 0.5 } }));
  await world.reach(() => open === 0, walkMsMax);
  town.heal();
  await world.advance(drainMs);
}

/** Whoever wrote is answered, wherever the walk has ended. */
async function sayHello(town: WalkTown, walkers: readonly Walker[]): Promise<string[]> {
  const { world, meta } = town;
  town.handBackAll();
  await world.advance(5 * minuteMs);
  const messagesOf = ({ phoneNumberId, contactId }: Walker) =>
    heardOn(meta.conversations.find(phoneNumberId, contactId)?.messages ?? []);
  const before = walkers.map((walker) => messagesOf(walker).at(-1)?.wamid);
  for (const { phoneNumberId, contactId } of walkers) {
    meta.inbound.say({ phoneNumberId, contact: contactId, type: 'text', text: 'hello' }, world.nowMs());
    town.pump();
    await world.advance(100);
  }
  await world.advance(10 * minuteMs);
  return walkers.flatMap((walker, index) =>
    messagesOf(walker).at(-1)?.wamid === before[index]
      ? [`customer ${index} said hello and was not answered`]
      : [],
  );
}

async function auditOf(town: WalkTown): Promise<string[]> {
  const audit = await town.command<{ missingCount: number; underWay: number }>('audit', { days: 30 });
  if (audit === null) return ['the audit could not be had'];
  return audit.missingCount + audit.underWay === 0
    ? []
    : [`the audit finds ${audit.missingCount} missing and ${audit.underWay} under way`];
}

/** What customers and the business said, and what was charged. */
function hashOf({ meta, images }: WalkTown): string {
  const hash = createHash('sha256');
  for (const { wamid, atMs, text } of [...meta.said, ...meta.accepted])
    hash.update(`${wamid} ${atMs} ${text}\n`);
  for (const { atMs, prompt } of images.charges) hash.update(`${atMs} ${prompt}\n`);
  return hash.digest('hex').slice(0, 16);
}

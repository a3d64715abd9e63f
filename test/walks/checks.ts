/**
 * The verdict over walks, from the outside: the store by SQL of its own, and the provider's and the checkout's own books.
 * It shares no code with what it judges. Each check returns one line for each thing that is wrong.
 */
import type { Checkout, ImageCharge } from '#simulator/index.ts';
import type { Books, Row } from './books.ts';
import { withoutCause } from './causes.ts';
import type { Notebook } from './notebook.ts';

export interface Evidence {
  books: Books;
  charges: readonly ImageCharge[];
  checkouts: readonly Checkout[];
  /** What the customers were told, in full. */
  heard: readonly string[];
  book: Notebook;
  honoursKeys: boolean;
  drawingsPerDay: number;
}

type Check = (evidence: Evidence) => string[] | Promise<string[]>;

const microsPerCent = 10_000;

const told = (found: readonly Row[], what: string): string[] =>
  found.map((row) => `${what}: ${JSON.stringify(row)}`);

/** Nothing that was begun is still open. */
const nothingOpen: Check = async ({ books: { ask, end } }) => [
  ...told(
    await ask(`SELECT kind, class, conversation_id FROM event WHERE ${end} IS NULL`),
    'an event is unread',
  ),
  ...told(await ask(`SELECT kind, conversation_id FROM event WHERE ${end} = 'awaiting'`), 'an event awaits'),
  ...told(
    await ask("SELECT name, conversation_id FROM activity WHERE state = 'running'"),
    'an activity runs',
  ),
  ...told(
    await ask(
      "SELECT state, conversation_id, attempts, why FROM send WHERE state IN ('queued','sending','uncertain')",
    ),
    'a send is open',
  ),
  ...told(
    await ask(
      "SELECT conversation_id, state_label FROM conversation WHERE state_label IN ('drawing','showing','preparing')",
    ),
    'a conversation is still busy',
  ),
  ...told(await ask('SELECT dead_letter_id, fault FROM dead_letter'), 'a dead letter'),
  ...told(
    await ask("SELECT activity_id, state FROM ledger_entry WHERE state NOT IN ('settled','refunded')"),
    'an entry of the ledger is open',
  ),
];

/** The name that the provider knows a request by; its first request is the activity. */
const keyOf = ({ activity_id, request }: Row): string =>
  request === 1 ? String(activity_id) : `${activity_id}-${request}`;

const chargesAgree: Check = async ({ books, charges, honoursKeys }) => {
  const entries = new Map((await books.ask('SELECT * FROM ledger_entry')).map((row) => [keyOf(row), row]));
  const problems: string[] = [];
  const perKey = Map.groupBy(charges, ({ idempotencyKey }) => String(idempotencyKey));
  for (const [key, of] of perKey) {
    const state = entries.get(key)?.state;
    if (of.length > 1) problems.push(`${of.length} charges for one key ${key}`);
    if (state !== 'settled' && !(state === 'uncertain' && !honoursKeys))
      problems.push(`charged under ${key}, whose entry is ${state ?? 'missing'}`);
  }
  const counted = [...entries.values()].filter(({ state }) => state === 'settled' || state === 'uncertain');
  const settled = counted.filter(({ state }) => state === 'settled');
  const spentMicros = settled.reduce((sum, { spent_micros }) => sum + Number(spent_micros), 0);
  const chargedMicros = charges.reduce((sum, { amountCents }) => sum + amountCents * microsPerCent, 0);
  if (honoursKeys && charges.length !== settled.length)
    problems.push(`${charges.length} charges, ${settled.length} settled entries`);
  if (honoursKeys && chargedMicros !== spentMicros)
    problems.push(`${chargedMicros} micros charged, ${spentMicros} settled`);
  if (!honoursKeys && charges.length > counted.length)
    problems.push(`${charges.length} charges, ${counted.length} settled or uncertain entries`);
  return problems;
};

/** One tap, in however many messages, is charged for once; so is one typed answer. */
const oneChargePerTap: Check = async ({ books, book, charges }) => {
  const charged = new Set(charges.map(({ idempotencyKey }) => String(idempotencyKey).replace(/-\d+$/, '')));
  const heard = await books.ask(
    `SELECT a.activity_id, e.wamid FROM activity a LEFT JOIN event e ON e.tenant_id = a.tenant_id
      AND e.conversation_id = a.conversation_id AND e.fence = a.fence AND e.wamid IS NOT NULL
    WHERE a.name = 'draw' ORDER BY a.activity_id, e.position`,
  );
  const problems: string[] = [];
  const starts = [...Map.groupBy(heard, ({ activity_id }) => String(activity_id))].map(([id, of]) => ({
    id,
    causes: of.flatMap(({ wamid }) => book.causes.get(String(wamid)) ?? []),
  }));
  for (const id of withoutCause(starts))
    problems.push(
      `${id} was started by a tap that had started another${charged.has(id) ? ', and charged' : ''}`,
    );
  for (const id of charged)
    if (!starts.some((start) => start.id === id)) problems.push(`${id} was charged and never started`);
  return problems;
};

const postingsBalance: Check = async ({ books }) => {
  const sums = await books.ask(
    `SELECT e.tenant_id, e.activity_id, e.request, e.state, e.reserved_micros, e.spent_micros, a.place,
      coalesce((SELECT sum(amount_micros) FROM ledger_posting p WHERE p.tenant_id = e.tenant_id
        AND p.activity_id = e.activity_id AND p.request = e.request AND p.to_place = a.place), 0) -
      coalesce((SELECT sum(amount_micros) FROM ledger_posting p WHERE p.tenant_id = e.tenant_id
        AND p.activity_id = e.activity_id AND p.request = e.request AND p.from_place = a.place), 0) AS balance
    FROM ledger_entry e, (SELECT 'budget' AS place UNION SELECT 'reserved' UNION SELECT 'uncertain' UNION SELECT 'spent') a`,
  );
  return told(
    sums.filter(({ state, place, balance, reserved_micros, spent_micros }) => {
      const held =
        state === 'settled' ? Number(spent_micros) : state === 'refunded' ? 0 : Number(reserved_micros);
      const places: Record<string, string> = {
        settled: 'spent',
        uncertain: 'uncertain',
        asking: 'uncertain',
      };
      const where = places[String(state)] ?? 'reserved';
      const expected = place === 'budget' ? -held : place === where ? held : 0;
      return balance !== expected;
    }),
    'postings do not add up',
  );
};

const limitsHold: Check = async ({ books: { ask }, drawingsPerDay }) => {
  const perDay = await ask(
    "SELECT contact_id, day, count(*) AS n FROM ledger_entry WHERE state <> 'refunded' GROUP BY contact_id, day",
  );
  return [
    ...told(
      await ask('SELECT limit_name, scope, used, max_last FROM limit_counter WHERE used > max_last'),
      'a limit was passed',
    ),
    ...told(
      perDay.filter(({ n }) => Number(n) > drawingsPerDay),
      'a contact had more drawings of a day than it may',
    ),
  ];
};

/** A wish has a name that no other has; it is paid once, and each payment is confirmed once. */
const paidOnce: Check = ({ checkouts, heard, book }) => {
  const paid = checkouts.filter(({ state }) => state === 'paid');
  // Whatever was taken for a name and is none of theirs (`<b>`) may well come twice.
  const wishOf = ({ id, items }: Checkout) => /c\d+w\d+/.exec(items.join(' '))?.[0] ?? id;
  const problems = [...Map.groupBy(paid, wishOf)]
    .filter(([, pages]) => pages.length > 1)
    .map(([wish, pages]) => `${wish} was paid on ${pages.length} pages`);
  const orders = new Map<string, number>();
  for (const words of heard)
    for (const order of new Set(words.match(/GIFT-[0-9A-F]{8}/g) ?? []))
      orders.set(order, (orders.get(order) ?? 0) + 1);
  for (const { metadata, id } of paid) {
    const times = orders.get(String(metadata.order)) ?? 0;
    if (times === 1) book.count('orders confirmed');
    else problems.push(`the order ${metadata.order} of page ${id} was confirmed ${times} times`);
  }
  for (const order of orders.keys())
    if (!paid.some(({ metadata }) => metadata.order === order))
      problems.push(`the order ${order} was confirmed and never paid`);
  return problems;
};

const all: Readonly<Record<string, Check>> = {
  nothingOpen,
  chargesAgree,
  oneChargePerTap,
  postingsBalance,
  limitsHold,
  paidOnce,
};

export async function judge(evidence: Evidence): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, check] of Object.entries(all))
    problems.push(...(await check(evidence)).map((problem) => `${name}: ${problem}`));
  return problems;
}

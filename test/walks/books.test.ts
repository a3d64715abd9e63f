/** What the checks over walks find, they find in the books of every store: the same faults, planted in a file's tables and in those of Postgres. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '#store/sqlite/database/database.ts';
import { postgresBooks } from '../proof/machines/rows.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from '../store/postgres/server.ts';
import { type Books, sqliteBooks } from './books.ts';
import { judge } from './checks.ts';
import { Notebook } from './notebook.ts';
import { countStored } from './tally.ts';

const isHere = await isPostgresHere();

const ids = "'gifts', 'ana'";
const entry =
  'tenant_id, activity_id, request, conversation_id, contact_id, activity, day, currency, reserved_micros, on_uncertain, late, claims, created_at_ms, updated_at_ms';
const entryOf = (activity: string) =>
  `'gifts', '${activity}', 1, 'ana', 'ana', 'draw', '2026-11-22', 'USD', 40000, 'retryWithKey', 'reuse', '[]', 0, 0`;
const drawing = (id: string, state: string) =>
  `INSERT INTO activity (tenant_id, conversation_id, activity_id, name, input, state, deadline_ms, deadline_at_ms, fence, created_at_ms)
  VALUES (${ids}, '${id}', 'draw', '{}', '${state}', 1, 1, 7, 0)`;
const event = (position: number, values: string) =>
  `INSERT INTO event (tenant_id, conversation_id, position, kind, class, sent_at_ms, received_at_ms, content, wamid, fence, :end)
  VALUES (${ids}, ${position}, 'message', 'answer', 0, 0, '{}', ${values})`;

/** Each of them is a fault; `:end` stands for the column of that name. */
const faults: Readonly<Record<string, readonly string[]>> = {
  'an event is unread': [event(1, "'wamid.unread', NULL, NULL")],
  'an event awaits': [event(2, "'wamid.awaiting', 7, 'awaiting'")],
  'an activity runs': [drawing('running', 'running')],
  'a send is open': [
    `INSERT INTO send (tenant_id, conversation_id, send_id, phone_number_id, ordinal, state, priority, origin, body, uncertain_policy, fence, created_at_ms, updated_at_ms)
    VALUES (${ids}, 'open', '1', 1, 'uncertain', 'answer', 'bot', '{}', 'repeat', 1, 0, 0)`,
  ],
  'a conversation is still busy': [
    `INSERT INTO conversation (tenant_id, conversation_id, contact_id, phone_number_id, waba_id, state_label, created_at_ms)
    VALUES (${ids}, 'ana', '1', '1', 'drawing', 0)`,
  ],
  'a dead letter': [
    `INSERT INTO dead_letter (tenant_id, conversation_id, dead_letter_id, position, fault, created_at_ms) VALUES (${ids}, 'dead', 1, '{}', 0)`,
  ],
  'an entry of the ledger is open': [
    `INSERT INTO ledger_entry (${entry}, state) VALUES (${entryOf('running')}, 'calling')`,
  ],
  'postings do not add up': [
    `INSERT INTO ledger_entry (${entry}, state, spent_micros) VALUES (${entryOf('paid')}, 'settled', 40000)`,
    `INSERT INTO ledger_posting (tenant_id, activity_id, request, nth, at_ms, from_place, to_place, amount_micros)
    VALUES ('gifts', 'paid', 1, 1, 0, 'budget', 'reserved', 40000)`,
  ],
  '1 charges, 2 settled entries': [
    `INSERT INTO ledger_entry (${entry}, state, spent_micros) VALUES (${entryOf('unpaid')}, 'settled', 40000)`,
  ],
  'running was started by a tap that had started another': [drawing('paid', 'done')],
  'a limit was passed': [
    `INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used, max_last) VALUES ('gifts', 'designs', 'ana', 0, 1, 4, 3)`,
  ],
  'a contact had more drawings of a day than it may': [],
};

async function findings(books: Books): Promise<string[]> {
  const book = new Notebook();
  book.causes.set('wamid.awaiting', 'ana draw');
  const charge = { chargeId: '1', callId: '1', prompt: '', images: 1, amountCents: 4, atMs: 0 };
  const found = await judge({
    ...{ books, book, checkouts: [], heard: [], honoursKeys: true, drawingsPerDay: 2 },
    charges: [{ ...charge, idempotencyKey: 'paid' }],
  });
  await countStored(book, books);
  return [...found, ...[...book.figures].map(([what, times]) => `${times} ${what}`)].sort();
}

const onFile = async () => {
  const { raw } = openDatabase(':memory:');
  for (const sql of Object.values(faults).flat()) raw.exec(sql.replace(':end', 'end'));
  const found = await findings(sqliteBooks((read) => read(raw)));
  raw.close();
  return found;
};

test.each(Object.keys(faults))('the checks find that %s', async (fault) => {
  expect((await onFile()).filter((line) => line.includes(fault))).not.toEqual([]);
});

describe.skipIf(!isHere)('on Postgres', () => {
  let schema: TestSchema;
  beforeAll(async () => {
    schema = await makeSchema('books');
  });
  afterAll(() => schema.drop());

  test('the checks find the same as in a file', async () => {
    const empty = await findings(postgresBooks(postgresUrl, schema.name));
    expect(empty).not.toEqual(await onFile());
    for (const sql of Object.values(faults).flat()) await schema.query(sql.replace(':end', 'ending'));
    expect(await findings(postgresBooks(postgresUrl, schema.name))).toEqual(await onFile());
  });
});

/**
 * Every fixture against the items it must become, compared whole, so that a fact that goes missing fails here. To add a
 * fixture, put the JSON beside the others and a row into one of the `expected-*.ts` tables; a file without a row fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answerClassOf } from '#core/model/events.ts';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { expectedMessages, receivedAtMs } from './expected-messages.ts';
import { expectedNotices } from './expected-notices.ts';
import { expectedStatusesAndCopies } from './expected-statuses.ts';
import { fixtureNames, fixtureText } from './fixtures.ts';

const expected: Record<string, object[]> = {
  ...expectedMessages,
  ...expectedStatusesAndCopies,
  ...expectedNotices,
};

const expectedProblems: Record<string, string> = {
  'problem-without-id': 'a message without a usable id',
  'problem-without-sender': 'a message without an address of its customer',
  'problem-without-number': 'a message without a phone number id',
};

const factsOf = (item: object) =>
  Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'raw' && key !== 'dedupeKey'));

describe('fixtures', () => {
  it('each has a row in a table, and each row has a fixture', () => {
    const rows = [...Object.keys(expected), ...Object.keys(expectedProblems)].sort();
    expect(fixtureNames).toEqual(rows);
  });

  it.each(Object.entries(expected))('%s', (name, items) => {
    const parsed = parseWebhook(fixtureText(name), receivedAtMs);
    expect(parsed.readable).toBe(true);
    expect(parsed.problems).toEqual([]);
    expect(parsed.items.map(factsOf)).toStrictEqual(items);
  });

  it.each(Object.entries(expectedProblems))('%s is kept as a problem', (name, what) => {
    const parsed = parseWebhook(fixtureText(name), receivedAtMs);
    expect(parsed.items).toEqual([]);
    expect(parsed.problems.map((problem) => problem.what)).toEqual([what]);
    expect(JSON.parse(parsed.problems[0]!.raw)).toMatchObject({ text: { body: 'lost?' } });
  });

  it('every kind of message has one', () => {
    const internal = ['business', 'activityDone', 'activityFailed', 'timer', 'takenOver', 'handedBack'];
    const kinds = Object.keys(answerClassOf).filter((kind) => !internal.includes(kind));
    const seen = new Set(
      fixtureNames.flatMap((name) => Object.keys(parseWebhook(fixtureText(name), receivedAtMs).byKind)),
    );
    expect(kinds.filter((kind) => !seen.has(`message.${kind}`))).toEqual([]);
    expect([...seen].filter((kind) => kind.startsWith('status.')).sort()).toEqual([
      'status.delivered',
      'status.failed',
      'status.played',
      'status.read',
      'status.sent',
    ]);
  });

  it('keeps each element as JSON text', () => {
    const body = JSON.parse(fixtureText('batch-two-wabas'));
    const { items } = parseWebhook(JSON.stringify(body), receivedAtMs);
    const [first, second] = body.entry;
    expect(items.map((item) => JSON.parse(item.raw))).toEqual([
      first.changes[0].value.messages[0],
      first.changes[0].value.statuses[0],
      first.changes[1].value,
      second.changes[0].value.messages[0],
    ]);
  });

  it('reads bytes, a byte order mark and text alike', () => {
    const text = fixtureText('text-unicode');
    const bytes = Buffer.from(text, 'utf8');
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
    expect(parseWebhook(bytes, receivedAtMs)).toEqual(parseWebhook(text, receivedAtMs));
    expect(parseWebhook(new Uint8Array(marked), receivedAtMs)).toEqual(parseWebhook(text, receivedAtMs));
  });
});

/** Whole webhooks recorded elsewhere; files that begin with `api_` are answers of the Graph API. */
const payloadsDir = process.env.PAYLOADS_DIR;

it.skipIf(payloadsDir === undefined)('payloads in PAYLOADS_DIR are all readable and lose nothing', () => {
  const files = readdirSync(payloadsDir!).filter(
    (file) => file.endsWith('.json') && !file.startsWith('api_'),
  );
  expect(files.length).toBeGreaterThan(0);
  const lines: string[] = [];
  for (const file of files) {
    const parsed = parseWebhook(readFileSync(`${payloadsDir}/${file}`), receivedAtMs);
    expect(parsed.readable, file).toBe(true);
    expect(parsed.problems, file).toEqual([]);
    expect(parsed.items.length, file).toBeGreaterThan(0);
    const counted = Object.values(parsed.byKind).reduce((sum, count) => sum + count, 0);
    expect(counted, file).toBe(parsed.items.length);
    lines.push(`${file}: ${JSON.stringify(parsed.byKind)}`);
  }
  console.info(lines.join('\n'));
});

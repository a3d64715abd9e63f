/**
 * Bodies that nobody promised: whatever arrives, reading does not throw, and each element of a list of messages or
 * statuses is found again as exactly one item or one problem. The generators take the fixtures apart, because a
 * slightly wrong webhook reaches more of the code than noise does.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentOf, InboundMessage, MessageContent, MessageKind } from '#core/model/events.ts';
import { type ParsedWebhook, parseWebhook } from '#pipeline/webhook/parse.ts';
import { elementsMax } from '#pipeline/webhook/place.ts';
import { receivedAtMs } from './expected-messages.ts';
import { fixtureNames, fixtureText } from './fixtures.ts';

/** What each kind is about; `ContentOf` says the same to the compiler. */
const fieldOf = {
  text: 'text',
  image: 'media',
  video: 'media',
  audio: 'media',
  voice: 'media',
  document: 'media',
  sticker: 'media',
  location: 'location',
  contacts: 'contacts',
  reaction: 'reaction',
  button: 'choice',
  listChoice: 'choice',
  templateButton: 'choice',
  waFlowReply: 'waFlow',
  callPermission: 'callPermission',
  order: 'order',
  system: 'system',
} as const satisfies Partial<{ [K in MessageKind]: keyof ContentOf<K> }>;

const elementLists = ['messages', 'statuses', 'message_echoes'];
const fieldsTakenApart = [
  'messages',
  'calls',
  'user_preferences',
  'smb_message_echoes',
  'message_echoes',
  'standby',
];

/** The elements that must come out again, found by the plainest walk there is. */
function elementsIn(body: unknown): unknown[] {
  const found: unknown[] = [];
  for (const entry of asList(get(body, 'entry'))) {
    for (const change of asList(get(entry, 'changes'))) {
      const named = get(change, 'field');
      const unnamed = named === '' || (typeof named !== 'string' && typeof named !== 'number');
      const field = unnamed ? 'messages' : String(named);
      if (!fieldsTakenApart.includes(field)) continue;
      const value = get(change, 'value');
      const nested = field === 'standby' ? get(value, 'standby') : undefined;
      const holder = isObject(nested) ? nested : value;
      for (const list of elementLists) found.push(...asList(get(holder, list)));
    }
  }
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function get(holder: unknown, key: string): unknown {
  return isObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

function asList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function rawsOf(parsed: ParsedWebhook): Map<string, number> {
  return countOf([...parsed.items, ...parsed.problems].map((part) => part.raw));
}

function countOf(texts: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** Each element's JSON text must be among the items and problems, as often as it came. */
function expectNothingLost(body: unknown): void {
  const parsed = parseWebhook(JSON.stringify(body), receivedAtMs);
  expect(parsed.readable).toBe(isObject(body));
  const raws = rawsOf(parsed);
  const elements = elementsIn(body);
  expect(parsed.items.filter((item) => item.type !== 'notice').length).toBeLessThanOrEqual(elements.length);
  for (const [text, count] of countOf(elements.map((element) => JSON.stringify(element)))) {
    expect(raws.get(text) ?? 0, text).toBeGreaterThanOrEqual(count);
  }
  const counted = Object.values(parsed.byKind).reduce((sum, count) => sum + count, 0);
  expect(counted).toBe(parsed.items.length);
  for (const item of parsed.items) {
    expect(() => JSON.parse(item.raw)).not.toThrow();
    if (item.type === 'message') expectPlaced(item);
  }
}

function expectPlaced(item: InboundMessage): void {
  expect(item.wamid).not.toBe('');
  expect(item.phoneNumberId).not.toBe('');
  expect(item.sender.phone ?? item.sender.bsuid).toBeTruthy();
  expect(Number.isSafeInteger(item.sentAtMs)).toBe(true);
  const stored = JSON.stringify(item.content);
  expect(stored).not.toMatch(/\\u0000|\\ud[89a-f]/i);
}

/** Values that have broken readers before. */
const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, '', 0, -1, 1e308, '1e400', [], {}, [[]], true, '\0', '\ud800', 'wacid.x'),
  fc.constantFrom<unknown>('__proto__', 'constructor', 'toString', { constructor: { prototype: 1 } }),
  fc.string({ unit: 'binary' }),
);

const fixtureBody = fc.constantFrom(...fixtureNames).map((name): unknown => JSON.parse(fixtureText(name)));

interface Mutation {
  path: number;
  how: 'replace' | 'remove' | 'repeat' | 'wrap';
  value: unknown;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  path: fc.nat(),
  how: fc.constantFrom<Mutation['how']>('replace', 'remove', 'repeat', 'wrap'),
  value: oddValue,
});

/** Applies a mutation at one of the places of the body, counted depth first. */
function mutated(body: unknown, { path, how, value }: Mutation): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      walk((holder as Record<string, unknown>)[key]);
    }
  };
  walk(body);
  const place = places[path % Math.max(1, places.length)];
  if (place === undefined) return body;
  const { holder, key } = place;
  // The same mutation may come twice: without a copy its value could end up inside itself.
  if (how === 'replace') holder[key] = structuredClone(value);
  if (how === 'remove') delete holder[key];
  if (how === 'repeat') holder[key] = [holder[key], structuredClone(holder[key])];
  if (how === 'wrap') holder[key] = { [key]: holder[key] };
  return body;
}

describe('any JSON', () => {
  it('never throws and loses nothing', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (body) => expectNothingLost(body)));
  });

  it('any text or bytes never throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()), (body) => {
        expect(parseWebhook(body, receivedAtMs).items).toEqual([]);
      }),
    );
  });

  it('any lists inside an envelope lose nothing', () => {
    const list = fc.array(oddValue, { maxLength: 5 });
    const value = fc.record(
      {
        metadata: fc.constant({ phone_number_id: '1' }),
        contacts: list,
        messages: list,
        statuses: list,
        errors: list,
      },
      { requiredKeys: [] },
    );
    const change = fc.record({ field: fc.constantFrom(...fieldsTakenApart, 'history', 7), value });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) =>
        expectNothingLost({ object: 'whatsapp_business_account', entry: [{ id: 'w', changes }] }),
      ),
    );
  });

  const wrongFixture = fc
    .tuple(fixtureBody, fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([whole, mutations]) => {
      const wrong = mutations.reduce<unknown>((held, next) => mutated(held, next), structuredClone(whole));
      return JSON.parse(JSON.stringify(wrong)) as unknown;
    });

  it('fixtures with up to four things wrong lose nothing', () => {
    fc.assert(fc.property(wrongFixture, expectNothingLost), { numRuns: 3_000 });
  });

  it('a message is of a kind only where it has what the kind is about, as the types say', () => {
    const isWhole = ({ kind, content }: InboundMessage) => {
      const field = (fieldOf as Readonly<Record<string, keyof MessageContent>>)[kind];
      const others = Object.values(fieldOf).filter((each) => each !== field && content[each] !== undefined);
      return field === undefined || (content[field] !== undefined && others.length === 0);
    };
    const broken = (body: unknown) =>
      parseWebhook(JSON.stringify(body), receivedAtMs).items.filter(
        (item) => item.type === 'message' && !isWhole(item),
      );
    for (const name of fixtureNames) expect(broken(JSON.parse(fixtureText(name)))).toEqual([]);
    fc.assert(
      fc.property(wrongFixture, (body) => {
        expect(broken(body)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});

const envelope = (messages: string, contacts = '[]') =>
  `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},` +
  `"contacts":${contacts},"messages":${messages}}}]}]}`;
const textMessage = (body: string, more = '') =>
  `{"id":"wamid.1","from":"15550111222","timestamp":"1794000000","type":"text","text":{"body":${body}}${more}}`;

describe('hostile bodies', () => {
  it.each(['', '{', 'null', '[]', '7', '"text"', '\ufeff', 'NaN', '{"entry":[}'])(
    '%j is not readable',
    (body) => {
      const parsed = parseWebhook(body, receivedAtMs);
      expect(parsed).toEqual({ items: [], byKind: {}, problems: [], readable: false });
    },
  );

  it.each([
    '{}',
    '{"entry":[]}',
    '{"entry":[{}]}',
    '{"entry":[{"changes":[]}]}',
    '{"entry":[{"changes":[{}]}]}',
  ])('%s is readable and a problem', (body) => {
    const parsed = parseWebhook(body, receivedAtMs);
    expect(parsed.readable).toBe(true);
    expect(parsed.problems).toHaveLength(1);
  });

  it('a message deeper than any of Meta keeps its text', () => {
    const deep = `${'['.repeat(80)}${']'.repeat(80)}`;
    const parsed = parseWebhook(
      envelope(`[${textMessage('"hi"', `,"referral":{"x":${deep}}`)}]`),
      receivedAtMs,
    );
    expect(parsed.byKind).toEqual({ 'message.text': 1 });
    expect(JSON.parse(parsed.items[0]!.raw)).toMatchObject({ text: { body: 'hi' } });
  });

  it.each([101, 50_000, 1_500_000])('a body that nests %d deep is not taken apart', (levels) => {
    const deep = `${'['.repeat(levels - 8)}${']'.repeat(levels - 8)}`;
    const parsed = parseWebhook(
      envelope(`[${textMessage('"hi"', `,"referral":{"x":${deep}}`)}]`),
      receivedAtMs,
    );
    expect(parsed).toEqual({ items: [], byKind: {}, problems: [], readable: false });
  });

  it('the answer of a form that nests too deep stays text', () => {
    const deep = JSON.stringify(`${'['.repeat(101)}${']'.repeat(101)}`);
    const reply = `{"id":"wamid.1","from":"1","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":${deep}}}}`;
    const parsed = parseWebhook(envelope(`[${reply}]`), receivedAtMs);
    expect((parsed.items[0] as InboundMessage).content.waFlow?.response).toBe(JSON.parse(deep));
  });

  it('a key named __proto__ changes no prototype', () => {
    const referral = ',"__proto__":{"x":1},"referral":{"__proto__":{"polluted":true},"source_id":"1"}';
    const parsed = parseWebhook(envelope(`[${textMessage('"hi"', referral)}]`), receivedAtMs);
    const message = parsed.items[0] as InboundMessage;
    expect(Object.getPrototypeOf(message.content.referral)).toBe(Object.prototype);
    expect(message.content.referral).toStrictEqual({ source_id: '1' });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('NUL and half surrogate pairs become replacement characters; what came stays in raw', () => {
    const contacts = '[{"wa_id":"15550111222","profile":{"name":"No\\u0000or\\ud83d"}}]';
    const parsed = parseWebhook(envelope(`[${textMessage('"a\\u0000b\\udc00c"')}]`, contacts), receivedAtMs);
    const message = parsed.items[0] as InboundMessage;
    expect(message.content.text).toBe('a\ufffdb\ufffdc');
    expect(message.sender.name).toBe('No\ufffdor\ufffd');
    expect(message.raw).toContain('a\\u0000b\\udc00c');
  });

  it('numbers beyond all bounds are no coordinates, codes or times', () => {
    const more = ',"errors":[{"code":1e400,"title":"odd"}],"referral":{"n":1e400}';
    const location = `{"id":"wamid.2","from":"1","timestamp":1e400,"type":"location","location":{"latitude":1e400,"longitude":2}}`;
    const parsed = parseWebhook(envelope(`[${textMessage('"hi"', more)},${location}]`), receivedAtMs);
    const [text, place] = parsed.items as InboundMessage[];
    expect(text!.content).toStrictEqual({
      text: 'hi',
      errors: [{ code: 0, title: 'odd' }],
      referral: { n: null },
    });
    expect(place!.kind).toBe('unknown');
    expect(place!.sentAtMs).toBe(receivedAtMs);
  });

  it('an id that no index could hold is a problem', () => {
    const parsed = parseWebhook(
      envelope(`[{"id":"${'x'.repeat(2_000)}","from":"1","type":"text"}]`),
      receivedAtMs,
    );
    expect(parsed.problems.map((problem) => problem.what)).toEqual(['a message without a usable id']);
  });

  it('a list longer than any of Meta keeps its rest as one problem', () => {
    const parsed = parseWebhook(envelope(`[${'0,'.repeat(elementsMax + 4)}0]`), receivedAtMs);
    expect(parsed.problems).toHaveLength(elementsMax + 1);
    expect(JSON.parse(parsed.problems.at(-1)!.raw)).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(['-1', '"-1"', '"soon"', '0', '1e15', 'null', '{}', '"1894000000"'])(
    'the time %s is absurd',
    (time) => {
      const message = `{"id":"wamid.1","from":"1","timestamp":${time},"type":"text","text":{"body":"x"}}`;
      const parsed = parseWebhook(envelope(`[${message}]`), receivedAtMs);
      expect((parsed.items[0] as InboundMessage).sentAtMs).toBe(receivedAtMs);
    },
  );
});

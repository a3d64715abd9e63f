/**
 * Bodies that nobody promised, as text and as bytes. JSON is put together by hand, because no printer writes what an
 * attacker would: a key twice, a number out of range, half a surrogate pair, a name that every object has. To add a kind of
 * trouble, add it to `trouble`; fixtures then carry it at every place.
 */
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { fixtureNames, fixtureText } from '../webhook/fixtures.ts';

const nested = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels);

/** Values as JSON text that have broken readers before. */
export const trouble: readonly string[] = [
  ...[
    'null',
    'true',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u202e"',
    '"\\u001b[2J"',
    '"a\\nb"',
  ],
  ...[
    '0',
    '-1',
    '7.5',
    '-0',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740993',
    '1'.repeat(400),
    '0.1e1',
    '1.7976931348623157e308',
  ],
  ...['[]', '{}', '[[]]', '[null]', '{"":0}', '"__proto__"', '"constructor"', '"toString"', '"wacid.x"'],
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"__proto__":null,"hasOwnProperty":1,"toString":1,"toJSON":"x","then":"x","length":-1}',
  '{"a":1,"a":2,"\\u0061":3}',
  nested(40, '[', ']'),
  nested(99, '{"a":', '}').replace('}', '0}'),
  nested(300, '[', ']'),
  JSON.stringify('x'.repeat(70_000)),
  JSON.stringify(JSON.stringify({ flow_token: '\u0000', __proto__: 1 })),
  JSON.stringify(nested(5_000, '[', ']')),
  '"2026-11-22"',
  '"1794000000.5"',
  '" 1794000000 "',
  '"0x10"',
  '"Infinity"',
];

const jsonString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc
    .array(fc.integer({ min: 0, max: 0xff_ff }), { maxLength: 6 })
    .map((units) => `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`),
);

/** A value, as JSON text. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...trouble),
  jsonString,
  fc.double().map(String),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);

/** Where the values of a text stand: strings that are no keys, numbers and words. */
function valuesIn(text: string): { from: number; to: number }[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d[\d.eE+-]*|true|false|null/g)].map(
    ({ index, 0: value }) => ({ from: index, to: index + value.length }),
  );
}

function keysIn(text: string): { from: number; to: number }[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(?=\s*:)/g)].map(({ index, 0: key }) => ({
    from: index,
    to: index + key.length,
  }));
}

type Change = (text: string) => string;

const placed = (spots: (text: string) => { from: number; to: number }[]) => (text: string, at: number) => {
  const found = spots(text);
  return found[at % Math.max(1, found.length)] ?? { from: 0, to: 0 };
};
const aValue = placed(valuesIn);
const aKey = placed(keysIn);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(), jsonText).map(([at, value]) => (text: string) => {
    const { from, to } = aValue(text, at);
    return text.slice(0, from) + value + text.slice(to);
  }),
  // The same key once more, with another value: the last one counts, whatever the first one said.
  fc.tuple(fc.nat(), jsonText).map(([at, value]) => (text: string) => {
    const { from, to } = aKey(text, at);
    return `${text.slice(0, from)}${text.slice(from, to)}:${value},${text.slice(from)}`;
  }),
  fc
    .tuple(
      fc.nat(),
      fc.constantFrom('"__proto__"', '"constructor"', '""', '"\\u0000"', '"messages"', '"errors"'),
    )
    .map(([at, key]) => (text: string) => {
      const { from, to } = aKey(text, at);
      return text.slice(0, from) + key + text.slice(to);
    }),
  fc.nat().map((at) => (text: string) => {
    const { from, to } = aValue(text, at);
    return `${text.slice(0, from)}[${text.slice(from, to)},${text.slice(from, to)}]${text.slice(to)}`;
  }),
);

const fixture = fc.constantFrom(...fixtureNames).map(fixtureText);

/** A recorded webhook with one to four things wrong in it. Mostly still JSON. */
export const wrongFixture: fc.Arbitrary<string> = fc
  .tuple(fixture, fc.array(change, { minLength: 1, maxLength: 4 }))
  .map(([text, changes]) => changes.reduce((before, next) => next(before), text));

const utf16 = (text: string, mark: boolean) => Buffer.from(mark ? `\ufeff${text}` : text, 'utf16le');

/** The same text as other bytes. */
const encodings: readonly ((text: string) => Uint8Array)[] = [
  (text) => Buffer.from(text),
  (text) => Buffer.from(`\ufeff${text}`),
  (text) => Buffer.from(`\ufeff\ufeff${text}`),
  (text) => utf16(text, true),
  (text) => utf16(text, false),
  (text) => utf16(text, true).swap16(),
  (text) => Buffer.from(text, 'latin1'),
  (text) => gzipSync(text),
  (text) => deflateSync(text),
  (text) => Buffer.from(text + text),
  (text) => Buffer.from(`${text}\0\0\0`),
  (text) => Buffer.from(text).subarray(0, text.length >> 1),
];

export const encoded: fc.Arbitrary<Uint8Array> = fc
  .tuple(wrongFixture, fc.constantFrom(...encodings))
  .map(([text, encode]) => encode(text));

interface ByteChange {
  at: number;
  how: 'flip' | 'remove' | 'insert' | 'repeat';
  byte: number;
}

const byteChange: fc.Arbitrary<ByteChange> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom<ByteChange['how']>('flip', 'remove', 'insert', 'repeat'),
  byte: fc.integer({ min: 0, max: 255 }),
});

function changed(bytes: Uint8Array, { at, how, byte }: ByteChange): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(byte);
  const place = at % bytes.length;
  const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (how) {
    case 'flip':
      return Buffer.concat(
        [head, [tail[0]! ^ (1 << (byte & 7))], tail.subarray(1)].map((part) => Buffer.from(part)),
      );
    case 'remove':
      return Buffer.concat([head, tail.subarray(1 + (byte & 15))]);
    case 'insert':
      return Buffer.concat([head, Uint8Array.of(byte), tail]);
    case 'repeat':
      return Buffer.concat([head, tail.subarray(0, byte), tail]);
  }
}

/** A recorded webhook whose bytes were damaged under way, or noise. */
export const damaged: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fixture, fc.array(byteChange, { minLength: 1, maxLength: 8 }))
      .map(([text, changes]) => changes.reduce(changed, Buffer.from(text) as Uint8Array)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

/** An id that somebody else chose. */
export const hostileId: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...['', ' ', '\0', 'a\0b', '\ud800', '\udfff\ud800', '\ufffd', '\u0085', '\u2028', '\u202e', 'é', '🏳️‍🌈'],
    ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'NaN'],
    ...["' OR 1=1 --", '"; DROP TABLE event; --', '%00', '%2e%2e%2f', '../../etc/passwd', '\\u0000'],
    ...[
      'x'.repeat(511),
      'x'.repeat(513),
      'wamid.X:standby',
      'wamid.X\nstandby',
      'snd_1',
      'wacid.1',
      '+1',
      '1e3',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'\0\r\n\t\u007f:/%.\\\'"'), maxLength: 12 }),
);

/**
 * Every fixture, and every webhook in the folder that PAYLOADS_DIR names: the server accepts it, and where the simulator
 * makes that kind, what it makes has the same keys. What may differ is declared, with its reason, in `shapes/declared.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOTICE_FIELDS } from '#simulator/inbound/notices.ts';
import { signBody } from '#simulator/webhooks/signature.ts';
import { fixtureNames, fixtureText } from '../webhook/fixtures.ts';
import { isDeclared, NO_KIND, NOT_PRODUCED } from './shapes/declared.ts';
import { cut, type Json, listIn, objectIn, type RecordedChange, reproduce } from './shapes/reproduce.ts';
import { APP_SECRET, openServer, type ShapeServer } from './shapes/server.ts';
import { differencesOf, shapeOf } from './shapes/shape.ts';

const payloadsDir = process.env.PAYLOADS_DIR;
const payloadNames =
  payloadsDir === undefined
    ? []
    : readdirSync(payloadsDir).filter((file) => file.endsWith('.json') && !file.startsWith('api_'));

const changesIn = (text: string): RecordedChange[] => {
  const { entry } = objectIn(JSON.parse(text));
  return listIn(entry)
    .flatMap((each) => listIn(objectIn(each).changes))
    .flatMap((change) => cut(change as RecordedChange));
};

/** What differs and is not declared, one line each; and how many things were compared. */
function compare(text: string): { undeclared: string[]; compared: number } {
  const undeclared: string[] = [];
  let compared = 0;
  for (const change of changesIn(text)) {
    const result = reproduce(change, NOTICE_FIELDS);
    if ('cannot' in result) {
      if (NOT_PRODUCED[result.cannot] === undefined) undeclared.push(`not made: ${result.cannot}`);
      continue;
    }
    compared += 1;
    const differences = differencesOf(change, result.produced).filter((each) => !isDeclared(each));
    undeclared.push(...differences.map(({ path, only }) => `${path} is only in what was ${only}`));
  }
  return { undeclared, compared };
}

let server: ShapeServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const post = (text: string) => {
  const rawBody = Buffer.from(text);
  return server.receive(rawBody, signBody(APP_SECRET, rawBody));
};

describe('fixtures', () => {
  it.each(fixtureNames)('%s is accepted by the server', async (name) => {
    expect(await post(fixtureText(name))).toBe(200);
  });

  it.each(fixtureNames.filter((name) => NO_KIND[name] === undefined))(
    '%s has the shape of the produced',
    (name) => {
      expect(compare(fixtureText(name)).undeclared).toEqual([]);
    },
  );

  it('are compared in most cases, and none is excused without need', () => {
    const compared = fixtureNames.reduce((sum, name) => {
      return sum + (NO_KIND[name] === undefined ? compare(fixtureText(name)).compared : 0);
    }, 0);
    expect(compared).toBeGreaterThan(80);
    const needless = Object.keys(NO_KIND).filter((name) => {
      const changes = changesIn(fixtureText(name));
      const isBroken = changes.some(({ value }) => Object.keys(value).length === 0);
      return !isBroken && compare(fixtureText(name)).undeclared.length === 0;
    });
    expect(needless).toEqual([]);
  });
});

describe.skipIf(payloadsDir === undefined)('payloads in PAYLOADS_DIR', () => {
  const textOf = (file: string) => readFileSync(`${payloadsDir}/${file}`, 'utf8');

  it('are there', () => {
    expect(payloadNames.length).toBeGreaterThan(0);
  });

  it.each(payloadNames)('%s is accepted by the server', async (file) => {
    expect(await post(textOf(file))).toBe(200);
  });

  it.each(payloadNames)('%s has the shape of the produced', (file) => {
    expect(compare(textOf(file)).undeclared).toEqual([]);
  });
});

describe('the comparison', () => {
  const change = (value: Json): RecordedChange => ({ field: 'messages', value });

  it('lays the elements of a list over each other', () => {
    expect([...shapeOf({ a: [{ b: 1 }, { c: { d: 2 } }] })]).toEqual(['a', 'a[].b', 'a[].c', 'a[].c.d']);
  });

  it('tells the topmost key that is missing, on either side', () => {
    const recorded = change({ a: { b: { c: 1 } }, d: 1 });
    expect(differencesOf(recorded, change({ a: {}, e: [{ f: 1 }] }))).toEqual([
      { path: 'value.a.b', only: 'recorded' },
      { path: 'value.d', only: 'recorded' },
      { path: 'value.e', only: 'produced' },
    ]);
  });

  it('sees a key that the simulator forgets, and one that it invents', () => {
    const text = JSON.parse(fixtureText('text')) as { entry: [{ changes: [RecordedChange] }] };
    const [recorded] = text.entry[0].changes;
    const [message] = listIn(recorded.value.messages).map(objectIn);
    const withMore = change({ ...recorded.value, messages: [{ ...message, mood: 'fine' }] });
    const withLess = change({ ...recorded.value, messages: [{ ...message, timestamp: undefined }] });
    const asText = (value: RecordedChange) => JSON.stringify({ entry: [{ changes: [value] }] });
    expect(compare(asText(withMore)).undeclared).toEqual([
      'value.messages[].mood is only in what was recorded',
    ]);
    expect(compare(asText(withLess)).undeclared).toEqual([
      'value.messages[].timestamp is only in what was produced',
    ]);
  });
});

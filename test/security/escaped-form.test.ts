/**
 * The second try of the signature: a body that a proxy un-escaped is compared in the form that Meta signed. Whoever has
 * seen one signed body can make others with the same escaped form; each of them must say what the signed one says, or be
 * refused.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { signBody, verifySignature } from '#pipeline/webhook/signature.ts';
import { metaJson } from '#testing/webhooks.ts';
import { acme, appSecrets, openDoor, post, signatureOf } from './door.ts';

const [secret] = appSecrets;
const isAccepted = (body: Uint8Array, header: string) =>
  verifySignature({ rawBody: body, header, secrets: [secret] }).ok;

/** Words in which escapes stand beside what only looks like one. */
const words = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\\',
        '\\\\',
        '\\u00e9',
        '\\\\u00e9',
        '\u00e9',
        '\ufffd',
        '🙋',
        '\\ud83d',
        '\\ude4b',
        '"',
        '/',
        'u',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** Every `\uXXXX` of a text, beyond ASCII, may be un-escaped; `choice` says which of them are. */
function unescapedBy(choice: readonly boolean[], signed: string): Buffer {
  let at = 0;
  const text = signed.replace(
    /\\u([0-9a-f]{4})(?:\\u([0-9a-f]{4}))?/g,
    (found, first: string, second?: string) => {
      const units = [first, ...(second === undefined ? [] : [second])].map((unit) =>
        Number.parseInt(unit, 16),
      );
      const isChosen = choice[at++ % Math.max(1, choice.length)] ?? false;
      const made = String.fromCharCode(...units);
      return isChosen && units.every((unit) => unit >= 0x80) && made.isWellFormed() ? made : found;
    },
  );
  return Buffer.from(text, 'utf8');
}

describe('a body whose escaped form is that of a signed one', () => {
  test('says what the signed one says, or is refused', () => {
    let accepted = 0;
    fc.assert(
      fc.property(words, words, fc.array(fc.boolean(), { minLength: 1 }), (key, text, choice) => {
        const signed = metaJson({ [key]: text, list: [text, { text }] }).replaceAll('\\/', '/');
        const header = signBody(secret, Buffer.from(signed));
        const forged = unescapedBy(choice, signed);
        if (!isAccepted(forged, header)) return;
        accepted += 1;
        expect(JSON.parse(forged.toString('utf8'))).toEqual(JSON.parse(signed));
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  test.each([
    ['one backslash', '{"text":"\\\\u00e9"}', '{"text":"\\é"}'],
    ['three backslashes', '{"text":"\\\\\\\\u00e9"}', '{"text":"\\\\\\é"}'],
    ['a pair behind a backslash', '{"text":"\\\\ud83d\\ude4b"}', '{"text":"\\🙋"}'],
  ])('is refused where %s would stand before a letter that JSON does not escape', (_what, signed, forged) => {
    const header = signBody(secret, Buffer.from(signed));
    expect(isAccepted(Buffer.from(signed), header)).toBe(true);
    expect(isAccepted(Buffer.from(forged), header)).toBe(false);
  });

  test('is accepted where the backslash before the letter is itself escaped', () => {
    const signed = Buffer.from('{"text":"\\\\\\u00e9"}');
    const forged = Buffer.from('{"text":"\\\\é"}');
    const header = signBody(secret, signed);
    expect(isAccepted(forged, header)).toBe(true);
    expect(JSON.parse(forged.toString())).toEqual(JSON.parse(signed.toString()));
  });

  test('bytes that are no UTF-8 stand for the replacement character, for the check and for the parser alike', () => {
    const item = acme.webhooks.text({ text: 'a\ufffdb', wamid: 'wamid.broken' });
    const signed = acme.webhooks.body([item]).replaceAll('\\/', '/');
    const [before = '', after = ''] = signed.split('\\ufffd');
    for (const odd of [[0xff], [0xc0], [0xef, 0xbf, 0xbd]]) {
      const forged = Buffer.concat([Buffer.from(before), Buffer.from(odd), Buffer.from(after)]);
      expect(isAccepted(forged, signBody(secret, Buffer.from(signed)))).toBe(true);
      expect(parseWebhook(forged, 0).items).toEqual(parseWebhook(signed, 0).items);
    }
  });

  test('cannot add what was not signed: neither an ASCII letter nor a letter of another escape', () => {
    const signed = '{"text":"\\u0041\\u00E9"}';
    const header = signBody(secret, Buffer.from(signed));
    for (const forged of ['{"text":"A\\u00E9"}', '{"text":"\\u0041é"}', '{"text":"Aé"}'])
      expect(isAccepted(Buffer.from(forged), header)).toBe(false);
  });
});

test('over HTTP: the un-escaped body of a stored message is that message, and is not answered twice', async () => {
  const door = await openDoor();
  const item = acme.webhooks.text({ text: 'café \\u00e9', wamid: 'wamid.once' });
  const signed = acme.webhooks.body([item]).replaceAll('\\/', '/');
  const header = signatureOf(secret, signed);
  const variants = [signed, signed.replace('caf\\u00e9', 'café')];
  for (const body of [...variants, ...variants])
    expect((await door.raw(post(body, header))).status).toBe(200);
  expect(door.events()).toHaveLength(1);
  expect((await door.raw(post(signed.replace('\\\\u00e9', '\\é'), header))).status).toBe(401);
  expect([door.events().length, door.quarantine()]).toEqual([1, []]);
});

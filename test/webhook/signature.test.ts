/** Only bytes that the app's secret signed are accepted: no flipped bit, no empty secret, no broken header. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signBody, verifySignature } from '#pipeline/webhook/signature.ts';
import { metaJson } from '#testing/webhooks.ts';
import { fixtureText } from './fixtures.ts';

const secret = 'secret-of-the-app';
const bytesOf = (text: string) => Buffer.from(text, 'utf8');
const refused = { ok: false, escapedForm: false, secretIndex: -1 };

const secretText = fc.string({ minLength: 1 });
const bodyBytes = fc.uint8Array({ minLength: 1, maxLength: 400 });

describe('verifySignature', () => {
  it('is HMAC-SHA256: test case 2 of RFC 4231', () => {
    const rawBody = bytesOf('what do ya want for nothing?');
    const header = 'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    expect(signBody('Jefe', rawBody)).toBe(header);
    expect(verifySignature({ rawBody, header, secrets: ['Jefe'] }).ok).toBe(true);
  });

  it('accepts what any of the secrets signed, and tells which', () => {
    fc.assert(
      fc.property(
        bodyBytes,
        fc.uniqueArray(secretText, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (body, all, n) => {
          const secretIndex = n % all.length;
          const header = signBody(all[secretIndex]!, body);
          const found = verifySignature({ rawBody: body, header, secrets: all });
          expect(found).toEqual({ ok: true, escapedForm: false, secretIndex });
          expect(
            verifySignature({
              rawBody: body,
              header: header.toUpperCase().replace('SHA', 'sha'),
              secrets: all,
            }).ok,
          ).toBe(true);
        },
      ),
    );
  });

  it('refuses a body with any bit flipped', () => {
    fc.assert(
      fc.property(bodyBytes, fc.nat(), (body, n) => {
        const header = signBody(secret, body);
        const bit = n % (body.length * 8);
        const flipped = Uint8Array.from(body);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifySignature({ rawBody: flipped, header, secrets: [secret] })).toEqual(refused);
      }),
    );
  });

  it('refuses a signature with any bit flipped, and other secrets', () => {
    fc.assert(
      fc.property(bodyBytes, fc.nat({ max: 255 }), secretText, (body, bit, other) => {
        fc.pre(other !== secret);
        const digest = Buffer.from(signBody(secret, body).slice(7), 'hex');
        digest[bit >> 3]! ^= 1 << (bit & 7);
        const header = `sha256=${digest.toString('hex')}`;
        expect(verifySignature({ rawBody: body, header, secrets: [secret] })).toEqual(refused);
        expect(verifySignature({ rawBody: body, header: signBody(secret, body), secrets: [other] })).toEqual(
          refused,
        );
      }),
    );
  });

  it('accepts a body that a proxy un-escaped, and says so', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        const unescaped = JSON.stringify({ text: `é${text}` });
        const signed = bytesOf(metaJson({ text: `é${text}` }).replaceAll('\\/', '/'));
        fc.pre(!text.includes('\u007f'));
        const header = signBody(secret, signed);
        expect(verifySignature({ rawBody: signed, header, secrets: [secret] }).escapedForm).toBe(false);
        expect(verifySignature({ rawBody: bytesOf(unescaped), header, secrets: ['old', secret] })).toEqual({
          ok: true,
          escapedForm: true,
          secretIndex: 1,
        });
      }),
    );
  });

  it('escapes in lower case and by UTF-16 unit', () => {
    const header = signBody(secret, bytesOf('{"t":"\\u00e4\\ud83d\\ude4b"}'));
    expect(verifySignature({ rawBody: bytesOf('{"t":"ä🙋"}'), header, secrets: [secret] }).escapedForm).toBe(
      true,
    );
  });

  it('checks the bytes as they came: printing the JSON again breaks it', () => {
    const body = metaJson(JSON.parse(fixtureText('text-unicode')));
    const header = signBody(secret, bytesOf(body));
    expect(verifySignature({ rawBody: bytesOf(body), header, secrets: [secret] }).ok).toBe(true);
    const again = bytesOf(JSON.stringify(JSON.parse(body)));
    expect(verifySignature({ rawBody: again, header, secrets: [secret] }).ok).toBe(false);
  });

  it('never accepts an empty secret, or no secret', () => {
    const rawBody = bytesOf('{}');
    const header = signBody('', rawBody);
    expect(verifySignature({ rawBody, header, secrets: [''] })).toEqual(refused);
    expect(verifySignature({ rawBody, header, secrets: [] })).toEqual(refused);
  });

  it.each([
    undefined,
    '',
    'sha256=',
    `sha256=${'0'.repeat(63)}`,
    `sha256=${'0'.repeat(65)}`,
    `sha256=${'g'.repeat(64)}`,
    `sha1=${'0'.repeat(40)}`,
    '0'.repeat(64),
  ])('refuses the header %j', (header) => {
    expect(verifySignature({ rawBody: bytesOf('{}'), header, secrets: [secret] })).toEqual(refused);
  });

  it('any header is refused without an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), bodyBytes, (header, rawBody) => {
        expect(verifySignature({ rawBody, header, secrets: [secret] })).toEqual(refused);
      }),
    );
  });
});

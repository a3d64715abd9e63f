/**
 * Secrets are compared in constant time: by name in all of the source, and where they are compared, over digests of equal
 * length whatever is given.
 */
import type * as crypto from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Exception } from '../tidy/allowed.ts';
import { readTree, scriptsUnder, tell, treeOf } from '../tidy/tree.ts';
import { acme, appSecrets, openDoor, post, sharedPath, signatureOf } from './door.ts';
import { comparesIn, ruleWith } from './secret-compares.ts';

const compared = vi.hoisted((): [number, number][] => []);

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const timingSafeEqual: typeof real.timingSafeEqual = (a, b) => {
    compared.push([a.byteLength, b.byteLength]);
    return real.timingSafeEqual(a, b);
  };
  return { ...real, default: { ...real, timingSafeEqual }, timingSafeEqual };
});

const tree = readTree(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));

/** Compares of what is named like a secret and is none, or of what nobody guesses at. */
const allowed: readonly Exception[] = [
  {
    path: 'src/core/dialog/run-turn.ts',
    of: ['token', 'timerToken'],
    reason: 'the token of a timer names a visit of a state; it never leaves the store',
  },
  {
    path: 'src/pipeline/files/station.ts',
    of: ['digest'],
    reason: 'the digest of a file is its name: it is asked whether the disk kept the bytes',
  },
  {
    path: 'src/pipeline/outbox/station.ts',
    of: ['token', 'tokenOf'],
    reason: 'both are ours: it is asked whether the token was exchanged meanwhile',
  },
  { path: 'src/simulator/', reason: 'the look-alike guards nothing' },
  { path: 'src/testing/', reason: 'tokens of timers in the conformance suite' },
];

test('no secret of the source is compared in the open', () => {
  expect(tell(ruleWith(allowed)(tree))).toBe('');
});

describe('the rule bites', () => {
  const at = (line: string) => comparesIn(treeOf({ 'src/a.ts': `\n${line}` }).files.get('src/a.ts')!);
  test.each([
    'if (given === secret) open();',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the sample's
    'return request.headers.authorization !== `Bearer ${token}`;',
    'const ok = tenant.appSecret == given;',
    'const ok = given != config.verifyTokens[0];',
    'if (config.appSecrets.includes(given)) open();',
    'if (known.has(verifyToken)) open();',
    'if (made.digest.equals(given)) open();',
    'if (Buffer.compare(signature, given) === 0) open();',
    'if (header.startsWith(signatureOf(body))) open();',
    'switch (password) {}',
    'const same = a.metrics.token === (given ?? none);',
    'return isDeepStrictEqual(digestOf(a), digestOf(b));',
    'if (apiKey === request.apiKey) open();',
    'const found = keys.find((key) => key.secret === given);',
  ])('on %s', (line) => {
    expect(at(line)).toEqual([expect.objectContaining({ path: 'src/a.ts', line: 2 })]);
  });

  test.each([
    "if (secret === '') return;",
    'if (token !== undefined) use(token);',
    "if (typeof signature !== 'string') return;",
    'if (given.length === signature.length) next();',
    'const inputTokens = usage.inputTokens ?? 0;',
    'if (tokensLeft === outputTokensMax) return;',
    'timingSafeEqual(digestOf(token), digestOf(given));',
    '// given === secret',
    "const text = 'given === secret';",
    "if (text.startsWith('sealed:')) return;",
    'const next = (secret) => secret >= 1;',
  ])('and not on %s', (line) => {
    expect(at(line)).toEqual([]);
  });

  test('an exception that excuses nothing is a finding', () => {
    const needless: Exception = { path: 'src/none.ts', reason: 'none' };
    expect(tell(ruleWith([...allowed, needless])(tree))).toContain('excuses compares of src/none.ts');
  });
});

describe('where secrets are compared', () => {
  test('is known: the signatures, the verify token, the codes of buttons, the tokens of the metrics and of the queue’s page', () => {
    const files = scriptsUnder(tree, 'src/').filter(({ code }) => code.includes('timingSafeEqual('));
    expect(files.map(({ path }) => path).sort()).toEqual([
      'src/pipeline/events/stripe.ts',
      'src/pipeline/webhook/handshake.ts',
      'src/pipeline/webhook/signature.ts',
      'src/runtime/world/secrets.ts',
      'src/surface/http/secrets.ts',
    ]);
  });

  const givens = [
    '',
    'x',
    'verify token of the app',
    'verify token of the ap',
    'é'.repeat(50),
    'x'.repeat(3_000),
  ];
  const body = acme.webhooks.body([acme.webhooks.text()]);

  beforeEach(() => compared.splice(0));

  test.each(givens)('a guess is compared as a digest of 32 bytes (%#)', async (given) => {
    const door = await openDoor({ env: { METRICS_TOKEN: 'metrics token' } });
    const query = `hub.mode=subscribe&hub.challenge=1&hub.verify_token=${encodeURIComponent(given)}`;
    await door.raw({ target: `${sharedPath}?${query}` });
    await door.raw({ target: `${sharedPath}/acme?${query}` });
    // Each token of the path is compared, whichever of them is right.
    expect(compared).toEqual(Array(3).fill([32, 32]));
    compared.splice(0);
    await door.raw({
      target: '/metrics',
      headers: [['authorization', `Bearer ${encodeURIComponent(given)}`]],
    });
    await door.raw({ target: '/metrics' });
    expect(compared).toEqual(Array(2).fill([32, 32]));
    compared.splice(0);
    await door.raw(post(body, signatureOf(given, body)));
    expect(compared).toEqual(Array(appSecrets.length).fill([32, 32]));
  });
});

/**
 * The door of the task queue over real HTTP: only a token that the issuer signed for our service account, for this address and
 * not long ago opens it. Everything else is refused and counted by its reason.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { email, openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokens = () => stage.sim.tasks.tokens;

function claims(other: Record<string, unknown> = {}) {
  const iat = Math.floor(stage.world.clock.nowMs() / 1_000);
  return {
    ...{ iss: 'https://accounts.google.com', aud: `${stage.url}/internal/wake`, sub: '1', azp: '1' },
    ...{ email, email_verified: true, iat, exp: iat + 3_600 },
    ...other,
  };
}

/** As if the public key were a shared secret: what a careless verifier takes for a good token. */
function confused(): string {
  const { id, publicKey } = tokens().key;
  const content = `${encode({ alg: 'HS256', kid: id, typ: 'JWT' })}.${encode(claims())}`;
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

function ofAnotherKey(kid: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return tokens().sign(claims(), {}, { id: kid, privateKey, publicKey });
}

const ago = (seconds: number) => Math.floor(stage.world.clock.nowMs() / 1_000) - seconds;

/** Tokens that must not open it, with the answer and the reason that is counted. */
const refused: [string, () => string | null, number, string][] = [
  ['no token', () => null, 401, 'noToken'],
  ['no JWT', () => 'hello', 401, 'malformed'],
  ['a long one', () => 'a'.repeat(9_000), 401, 'malformed'],
  ['unsigned', () => `${encode({ alg: 'none' })}.${encode(claims())}.`, 401, 'algorithm'],
  ['alg none with a signature', () => tokens().sign(claims(), { alg: 'none' }), 401, 'algorithm'],
  ['a public key as secret', confused, 401, 'algorithm'],
  ['another algorithm in the header', () => tokens().sign(claims(), { alg: 'RS512' }), 401, 'algorithm'],
  ['another key of the same name', () => ofAnotherKey(tokens().key.id), 401, 'signature'],
  ['another key', () => ofAnotherKey('of-nobody'), 401, 'unknownKey'],
  ['changed claims', () => changed(), 401, 'signature'],
  ['another issuer', () => tokens().sign(claims({ iss: 'https://evil.example' })), 401, 'issuer'],
  ['another audience', () => tokens().sign(claims({ aud: 'https://other.example' })), 401, 'audience'],
  ['no audience', () => tokens().sign(claims({ aud: undefined })), 401, 'audience'],
  ['expired', () => tokens().sign(claims({ iat: ago(7_200), exp: ago(3_600) })), 401, 'expired'],
  ['no expiry', () => tokens().sign(claims({ exp: undefined })), 401, 'claims'],
  ['no e-mail', () => tokens().sign(claims({ email: undefined })), 401, 'claims'],
  ['not valid yet', () => tokens().sign(claims({ nbf: ago(-600) })), 401, 'claims'],
  ['another e-mail', () => tokens().sign(claims({ email: 'eve@evil.example' })), 403, 'email'],
  [
    'an e-mail that nobody verified',
    () => tokens().sign(claims({ email_verified: false })),
    403,
    'emailNotVerified',
  ],
  ['verified as a word', () => tokens().sign(claims({ email_verified: 'true' })), 403, 'emailNotVerified'],
];

function changed(): string {
  const [header, , signature] = tokens()
    .sign(claims({ email: 'eve@evil.example' }))
    .split('.');
  return `${header}.${encode(claims())}.${signature}`;
}

describe('it stays shut for', () => {
  test.each(refused)('%s', async (_name, token, status, reason) => {
    const before = await stage.counter('nightdesk_wake_refusals_total', { reason });
    const answer = await stage.knock(token());
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe('');
    expect(await stage.counter('nightdesk_wake_refusals_total', { reason })).toBe(before + 1);
  });

  test('what other doors take: an API key, a basic log-in, a token in the address', async () => {
    for (const authorization of ['Basic YTpi', 'Bearer ndk_abc', 'bearer', ''])
      expect((await knockWith({ authorization })).status).toBe(401);
    const inAddress = await fetch(`${stage.url}/internal/wake?access_token=${stage.goodToken()}`, {
      method: 'POST',
    });
    expect(inAddress.status).toBe(401);
    // Google takes this header off requests from outside; whoever can reach us directly may send it.
    expect((await knockWith({ 'x-cloudtasks-queuename': 'wakes' })).status).toBe(401);
  });
});

const knockWith = (headers: Record<string, string>) =>
  fetch(`${stage.url}/internal/wake`, { method: 'POST', headers, body: '{}' });

test('it opens for a good token, also one of a clock that is a little behind or ahead', async () => {
  expect((await stage.knock(stage.goodToken())).status).toBe(200);
  const skewSeconds = limits.tokenSkewMs / 1_000 - 5;
  const old = claims({ exp: ago(skewSeconds), iat: ago(3_600) });
  expect((await stage.knock(tokens().sign(old))).status).toBe(200);
  expect((await stage.knock(tokens().sign(claims({ iss: 'accounts.google.com' })))).status).toBe(200);
});

test('what is no task is answered 400, what is too large 413, other methods 405', async () => {
  for (const body of [
    '',
    'hello',
    '[]',
    '{"tenantId":1}',
    { tenantId: 'a', conversationId: 'b', sends: [{}] },
  ])
    expect((await stage.knock(stage.goodToken(), body)).status).toBe(400);
  expect((await stage.knock(stage.goodToken(), 'x'.repeat(limits.taskBodyBytesMax + 1))).status).toBe(413);
  expect((await fetch(`${stage.url}/internal/wake`)).status).toBe(405);
});

test('a conversation that nobody has is looked at and done with', async () => {
  const of = { tenantId: 'nobody', conversationId: 'cnv_nobody' };
  expect((await stage.knock(stage.goodToken(), of)).status).toBe(200);
});

test('a new key of the issuer counts as soon as it is shown, and one that was withdrawn counts no more', async () => {
  const old = stage.goodToken();
  tokens().rotate();
  stage.pass(limits.tokenKeysAgainMs);
  expect((await stage.knock(stage.goodToken())).status).toBe(200);
  expect((await stage.knock(old)).status).toBe(200);
  tokens().rotate({ withdraw: true });
  stage.pass(limits.tokenKeysKeepMs);
  expect((await stage.knock(stage.goodToken())).status).toBe(200);
  expect((await stage.knock(old)).status).toBe(401);
});

test('unknown keys have the key set read again only now and then', async () => {
  stage.pass(limits.tokenKeysAgainMs);
  let reads = 0;
  const { handle } = stage.sim.tasks;
  stage.sim.tasks.handle = (request, nowMs) => {
    if (request.path.endsWith('/certs')) reads += 1;
    return handle.call(stage.sim.tasks, request, nowMs);
  };
  for (let i = 0; i < 20; i += 1) expect((await stage.knock(ofAnotherKey('of-nobody'))).status).toBe(401);
  expect(reads).toBe(1);
});

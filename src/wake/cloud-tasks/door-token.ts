/**
 * Who may open the door: whoever brings a token that Google signed for our own service account, for this very address,
 * not long ago. Only RS256 counts, with a key of the issuer's own set: an unsigned token, or one "signed" with a public key
 * as if it were a secret, is no token. The keys are kept for a while; a token with an unknown key has them read again, but
 * only now and then, so that nobody can have us ask Google all day.
 * Sources: cloud.google.com/tasks/docs/creating-http-target-tasks (OIDC token), datatracker.ietf.org/doc/html/rfc8725.
 * To add a check, add it to `judge` with a reason of its own and to test/wake/cloud-tasks/door.test.ts.
 */
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { limits } from '#core/limits.ts';
import type { World } from '#core/ports/world.ts';

export interface DoorRules {
  /** Any of them. */
  issuers: readonly string[];
  audience: string;
  /** Of the service account whose token counts. */
  email: string;
  keysUrl: string;
}

export type DoorReason =
  | 'noToken'
  | 'malformed'
  | 'algorithm'
  | 'unknownKey'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'claims'
  | 'email'
  | 'emailNotVerified'
  | 'keysUnavailable';

/** 401: no such token. 403: a good token of somebody else. 503: it cannot be told now. */
export type DoorVerdict = { ok: true } | { ok: false; status: 401 | 403 | 503; reason: DoorReason };

type Keys = ReturnType<typeof createLocalJWKSet>;
type DoorWorld = Pick<World, 'clock' | 'http'>;

const tokenCharsMax = 8_192;

export class DoorTokens {
  readonly #world: DoorWorld;
  readonly #rules: DoorRules;
  #keys: { set: Keys; readMs: number } | null = null;
  #triedMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(world: DoorWorld, rules: DoorRules) {
    this.#world = world;
    this.#rules = rules;
  }

  async check(authorization: string | undefined): Promise<DoorVerdict> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, status: 401, reason: 'noToken' };
    const header = headerOf(token);
    if (header === null) return { ok: false, status: 401, reason: 'malformed' };
    if (header.alg !== 'RS256') return { ok: false, status: 401, reason: 'algorithm' };
    await this.#refresh(limits.tokenKeysKeepMs);
    let verdict = await this.#judge(token);
    if (!verdict.ok && verdict.reason === 'unknownKey') {
      // The issuer may have begun to sign with a new key.
      await this.#refresh(limits.tokenKeysAgainMs);
      verdict = await this.#judge(token);
    }
    return verdict;
  }

  async #judge(token: string): Promise<DoorVerdict> {
    if (this.#keys === null) return { ok: false, status: 503, reason: 'keysUnavailable' };
    const { issuers, audience, email } = this.#rules;
    try {
      const { payload } = await jwtVerify(token, this.#keys.set, {
        algorithms: ['RS256'],
        issuer: [...issuers],
        audience,
        requiredClaims: ['exp', 'iat', 'email'],
        clockTolerance: limits.tokenSkewMs / 1_000,
        currentDate: new Date(this.#world.clock.nowMs()),
      });
      if (payload.email !== email) return { ok: false, status: 403, reason: 'email' };
      if (payload.email_verified !== true) return { ok: false, status: 403, reason: 'emailNotVerified' };
      return { ok: true };
    } catch (error) {
      return { ok: false, status: 401, reason: reasonOf(error) };
    }
  }

  /** Reads the keys where they are older; what was read before stays where they cannot be had. */
  async #refresh(olderThanMs: number): Promise<void> {
    const nowMs = this.#world.clock.monotonicMs();
    const hasNone = this.#keys === null;
    const isOld = hasNone || nowMs - (this.#keys?.readMs ?? 0) >= olderThanMs;
    // Where there are none at all the door is shut, so it is tried again sooner.
    const againMs = hasNone ? limits.retryAfterMs / 5 : limits.tokenKeysAgainMs;
    if (this.#reading === null && (!isOld || nowMs - this.#triedMs < againMs)) return;
    this.#reading ??= this.#read(nowMs).finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #read(nowMs: number): Promise<void> {
    this.#triedMs = nowMs;
    try {
      const answer = await this.#world.http.request({
        ...{
          purpose: null,
          method: 'GET',
          url: this.#rules.keysUrl,
          headers: { accept: 'application/json' },
        },
        timeoutMs: limits.tokenKeysTimeoutMs,
      });
      if (answer.status !== 200) return;
      const set = createLocalJWKSet(JSON.parse(answer.body) as JSONWebKeySet);
      this.#keys = { set, readMs: nowMs };
    } catch {
      // No answer, or no keys in it: those of before count.
    }
  }
}

function headerOf(token: string): { alg?: string } | null {
  if (token.length > tokenCharsMax) return null;
  try {
    return decodeProtectedHeader(token);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): DoorReason {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'unknownKey';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return 'algorithm';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return 'issuer';
    return error.claim === 'aud' ? 'audience' : 'claims';
  }
  return 'malformed';
}

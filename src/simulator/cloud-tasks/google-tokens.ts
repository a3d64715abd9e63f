/**
 * The tokens of the look-alike of Google: access tokens for those who make tasks, and the signed tokens that tasks bring to
 * their target, with keys of its own that it shows as a JWKS. The keys are made when the first is needed; `rotate` begins to
 * sign with a new one. Written by hand, since a look-alike must not share an error with what it proves.
 * Source: datatracker.ietf.org/doc/html/rfc7515, cloud.google.com/docs/authentication/token-types#id.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readObject, readString } from '../control/json-reading.ts';

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface IdentityClaims {
  issuer: string;
  audience: string;
  email: string;
  nowMs: number;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const TOKEN_SECONDS = 3_600;

export class GoogleTokens {
  readonly #keys: SigningKey[] = [];
  readonly #access = new Map<string, number>();
  readonly #random: () => number;
  #made = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The key that signs now. */
  get key(): SigningKey {
    return this.#keys.at(-1) ?? this.rotate();
  }

  /** A new key signs from now on; the others stay in the set, unless they are withdrawn. */
  rotate({ withdraw = false } = {}): SigningKey {
    if (withdraw) this.#keys.length = 0;
    this.#made += 1;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const key = { id: `simulator-${this.#made}`, privateKey, publicKey };
    this.#keys.push(key);
    return key;
  }

  keySet(): { keys: unknown[] } {
    if (this.#keys.length === 0) this.rotate();
    return {
      keys: this.#keys.map(({ id, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        ...{ kid: id, alg: 'RS256', use: 'sig' },
      })),
    };
  }

  /** Any token at all, so that a test can make one that is wrong. */
  sign(payload: object, header: object = {}, key: SigningKey = this.key): string {
    const content = `${encode({ alg: 'RS256', kid: key.id, typ: 'JWT', ...header })}.${encode(payload)}`;
    const signature = createSign('RSA-SHA256').update(content).sign(key.privateKey, 'base64url');
    return `${content}.${signature}`;
  }

  /** What a task with `oidcToken` brings. */
  identity({ issuer, audience, email, nowMs }: IdentityClaims): string {
    const iat = Math.floor(nowMs / 1_000);
    const subject = '100000000000000000001';
    return this.sign({
      ...{ iss: issuer, aud: audience, sub: subject, azp: subject },
      ...{ email, email_verified: true, iat, exp: iat + TOKEN_SECONDS },
    });
  }

  access(nowMs: number): { access_token: string; expires_in: number; token_type: string } {
    const token = `ya29.simulator-${Math.floor(this.#random() * 2 ** 40).toString(36)}`;
    this.#access.set(token, nowMs + TOKEN_SECONDS * 1_000);
    return { access_token: token, expires_in: TOKEN_SECONDS, token_type: 'Bearer' };
  }

  isAccessGood(authorization: string | undefined, nowMs: number): boolean {
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '';
    return (this.#access.get(token) ?? 0) > nowMs;
  }

  /** All access tokens given so far are refused from now on. */
  revokeAccess(): void {
    this.#access.clear();
  }
}

/** Whether a form asks for an access token as a service account does. Its signature is not looked at: nobody told us the key. */
export function isTokenRequest(body: string, nowMs: number): boolean {
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return false;
  const [, payload = ''] = (form.get('assertion') ?? '').split('.');
  try {
    const claims = readObject(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    const { iss, aud, scope, iat, exp } = claims ?? {};
    const isWhole = [iss, aud, scope].every((claim) => (readString(claim) ?? '') !== '');
    return isWhole && Number(exp) * 1_000 > nowMs && Number(exp) - Number(iat) <= TOKEN_SECONDS;
  } catch {
    return false;
  }
}

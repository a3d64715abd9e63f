/**
 * The access token with which tasks are made. On Google's own machines the metadata server gives one for the identity of
 * the service; elsewhere the key of a service account is exchanged for one: a JWT signed with it goes to the address that
 * the key itself names. Both are one small request over the world's HTTP client. A token is kept until shortly before its
 * end, and asked for once however many wait.
 * Sources: developers.google.com/identity/protocols/oauth2/service-account (HTTP/REST),
 * cloud.google.com/compute/docs/access/authenticate-workloads (metadata server).
 * To add a kind of credentials, add its shape to `credentials.ts` and a way to ask here.
 */
import { importPKCS8, SignJWT } from 'jose';
import { limits } from '#core/limits.ts';
import type { World } from '#core/ports/world.ts';
import { type Credentials, NoAccessToken, readObject, type ServiceKey } from './credentials.ts';

const scope = 'https://www.googleapis.com/auth/cloud-tasks';
/** Google takes no longer one. */
const assertionMs = 3_600_000;

export class AccessTokens {
  readonly #world: Pick<World, 'clock' | 'http'>;
  readonly #credentials: Credentials;
  #kept: { token: string; untilMs: number } | null = null;
  #asking: Promise<string> | null = null;

  constructor(world: Pick<World, 'clock' | 'http'>, credentials: Credentials) {
    this.#world = world;
    this.#credentials = credentials;
  }

  /** @throws NoAccessToken */
  async get(): Promise<string> {
    const { clock } = this.#world;
    if (this.#kept !== null && clock.monotonicMs() < this.#kept.untilMs) return this.#kept.token;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** Google refused the one that is kept: the next call asks for another. */
  forget(): void {
    this.#kept = null;
  }

  async #ask(): Promise<string> {
    const { clock, http } = this.#world;
    const askedMs = clock.monotonicMs();
    const request =
      this.#credentials.from === 'metadata'
        ? metadataRequest(this.#credentials.host)
        : await keyRequest(this.#credentials.key, clock.nowMs());
    const answer = await http
      .request({ purpose: null, timeoutMs: limits.taskCreateTimeoutMs, ...request })
      .catch(() => null);
    const read = answer?.status === 200 ? readObject(answer.body) : {};
    const { access_token: token, expires_in: seconds } = read;
    if (typeof token !== 'string')
      throw new NoAccessToken(
        `${new URL(request.url).host} gave no access token (${answer === null ? 'no answer' : `HTTP ${answer.status}`}), so no task can be made. Look at the service's identity, or at GOOGLE_APPLICATION_CREDENTIALS.`,
      );
    const forMs = (typeof seconds === 'number' ? seconds * 1_000 : 0) - limits.accessTokenReserveMs;
    this.#kept = { token, untilMs: askedMs + forMs };
    return token;
  }
}

function metadataRequest(host: string) {
  return {
    method: 'GET' as const,
    url: `http://${host}/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(scope)}`,
    // Without it the server answers nobody, so that no page in a browser can ask.
    headers: { 'metadata-flavor': 'Google' },
  };
}

async function keyRequest(key: ServiceKey, nowMs: number) {
  const signer = await importPKCS8(key.privateKey, 'RS256').catch(() => {
    throw new NoAccessToken('The "private_key" of the credentials is no RSA key in PEM.');
  });
  const issuedAt = Math.floor(nowMs / 1_000);
  const assertion = await new SignJWT({ scope })
    .setProtectedHeader({
      ...{ alg: 'RS256', typ: 'JWT' },
      ...(key.privateKeyId === undefined ? {} : { kid: key.privateKeyId }),
    })
    .setIssuer(key.email)
    .setAudience(key.tokenUrl)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionMs / 1_000)
    .sign(signer);
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
  });
  return {
    method: 'POST' as const,
    url: key.tokenUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

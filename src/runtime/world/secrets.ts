/**
 * Secrets at rest: tokens and app secrets of tenants are sealed with AES-256-GCM before they reach the store. The first
 * key seals, all of them open, so a key is rotated by putting the new one in front. Each sealed text names its key by id.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '#core/model/faults.ts';
import type { Tenant } from '#core/ports/tenants.ts';
import { apiKeyPrefix } from '#pipeline/events/api-keys.ts';
import { BadConfig, type Config } from '../config.ts';

interface Key {
  id: string;
  bytes: Buffer;
  /** For codes: what is sealed and what is signed do not share a key. */
  signing: Buffer;
}

const prefix = 'sealed:v1';
/** 96 bits: nobody guesses that, and the id of a button has room for it. */
const codeChars = 16;
const keyCharsMin = 32;

export class Secrets {
  readonly #keys: readonly Key[];

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((text) => ({
      id: hash('sha256', `id:${text}`).slice(0, 8),
      bytes: hash('sha256', `key:${text}`, 'buffer') as Buffer,
      signing: hash('sha256', `sign:${text}`, 'buffer') as Buffer,
    }));
  }

  /** Codes for one purpose: the first key writes them, all of them are known. */
  signer(purpose: string): { sign(text: string): string; verify(text: string, code: string): boolean } {
    const codeBy = ({ signing }: Key, text: string) =>
      createHmac('sha256', signing).update(`${purpose}\n${text}`).digest('base64url').slice(0, codeChars);
    const isSame = (a: string, b: string) =>
      a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
    const [first] = this.#keys;
    return {
      sign: (text) => {
        if (first === undefined) throw new Error('There is no key to sign with.');
        return codeBy(first, text);
      },
      verify: (text, code) => this.#keys.some((key) => isSame(codeBy(key, text), code)),
    };
  }

  seal(text: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('There is no key to seal with.');
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, iv);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return [
      prefix,
      key.id,
      iv.toString('base64url'),
      cipher.getAuthTag().toString('base64url'),
      sealed.toString('base64url'),
    ].join(':');
  }

  /** @throws BadConfig where the key that sealed it is not among ours. */
  open(text: string): string {
    if (!text.startsWith(`${prefix}:`)) return text;
    const [, , keyId, iv = '', tag = '', sealed = ''] = text.split(':');
    const key = this.#keys.find((each) => each.id === keyId);
    if (key === undefined)
      throw new BadConfig(
        `A secret in the store was sealed with another key (id ${keyId}). Add that key to NIGHTDESK_SECRET_KEY behind the new one, or apply the tenants again.`,
      );
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(iv, 'base64url'));
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()]).toString(
      'utf8',
    );
  }

  sealTenant(tenant: Tenant): Tenant {
    return this.#map(tenant, (text) => this.seal(text));
  }

  openTenant(tenant: Tenant): Tenant {
    return this.#map(tenant, (text) => this.open(text));
  }

  #map(tenant: Tenant, change: (text: string) => string): Tenant {
    const mapped = { ...tenant };
    for (const key of ['accessToken', 'appSecret', 'verifyToken'] as const) {
      const value = tenant[key];
      if (value !== undefined) mapped[key] = change(value);
    }
    if (tenant.stripeWebhookSecrets !== undefined)
      mapped.stripeWebhookSecrets = tenant.stripeWebhookSecrets.map(change);
    return mapped;
  }
}

/** A key for a system of the business, to be shown once. */
export function makeApiKey(): string {
  return `${apiKeyPrefix}${randomBytes(32).toString('base64url')}`;
}

/** The keys of the configuration, or in development one that is kept beside the data. */
export function openSecrets(config: Config): Secrets {
  if (config.secretKeys !== undefined) {
    if (config.secretKeys.some((key) => key.length < keyCharsMin))
      throw new BadConfig(
        'NIGHTDESK_SECRET_KEY is shorter than 32 characters. Use at least 32 random ones, e.g. from: openssl rand -base64 32',
      );
    return new Secrets(config.secretKeys);
  }
  if (config.database.dataFolder === null) return new Secrets([randomBytes(32).toString('base64url')]);
  return new Secrets([keptKey(config.database.dataFolder)]);
}

/** Whole or not at all, whenever the process or the machine dies: what is sealed with a key must open again. */
function makeKey(path: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true });
    linkSync(draft, path);
  } catch (error) {
    // Another process was faster, and its key counts.
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** @throws BadConfig where the file cannot be made, may not be read, or is cut short (by a disk that was full). */
function keptKey(dataFolder: string): string {
  const path = join(dataFolder, 'secret.key');
  let key: string;
  try {
    if (!existsSync(path)) {
      mkdirSync(dataFolder, { recursive: true });
      makeKey(path);
    }
    key = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new BadConfig(
      `The key file ${path} cannot be used: ${messageOf(error)}. Start the server as the user whom the data folder belongs to, mend the rights or free the disk; or name another place in DATABASE_URL, or a key in NIGHTDESK_SECRET_KEY.`,
    );
  }
  if (key.length < keyCharsMin)
    throw new BadConfig(
      `The key file ${path} is cut short, so nothing may be sealed with it. Restore it from a backup; where no tenant has a secret of its own yet, remove it and a new one is made.`,
    );
  return key;
}

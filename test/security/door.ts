/**
 * A real server on a free port, with tenants that have secrets of their own, and a customer of HTTP that may write any
 * bytes: a request is put together line by line, since clients refuse to send what an attacker would.
 */
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach } from 'vitest';
import type { Dialog } from '#core/dialog/dialog.ts';
import type { MailboxEvent } from '#core/model/events.ts';
import type { Store } from '#core/ports/store.ts';
import { runCommand } from '#runtime/commands.ts';
import { readConfig } from '#runtime/config.ts';
import { createDemoModel } from '#runtime/models/demo.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { Secrets } from '#runtime/world/secrets.ts';
import { type Database, openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { startHttpSurface } from '#surface/http/server.ts';
import { createWebhooks, type Webhooks } from '#testing/webhooks.ts';

export const sharedPath = '/webhooks/whatsapp';
export const appSecrets = ['first app secret', 'second app secret'] as const;
export const wabaId = '102290129340398';

export interface Business {
  id: string;
  number: string;
  secret: string;
  verifyToken: string;
  webhooks: Webhooks;
}

function business(id: string, number: string): Business {
  const webhooks = createWebhooks({ phoneNumberId: number, wabaId });
  return { id, number, secret: `secret of ${id}`, verifyToken: `verify token of ${id}`, webhooks };
}

export const acme = business('acme', '106540352242922');
export const beta = business('beta', '106540352242923');

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

export interface RawRequest {
  method?: string;
  /** As it stands in the request line. */
  target?: string;
  /** In this order; a name may come twice. */
  headers?: readonly (readonly [string, string])[];
  body?: string | Uint8Array;
}

/** One row of what a table of the store holds about messages. */
export interface Kept {
  tenant_id: string;
  raw: string;
}

export interface Door {
  readonly port: number;
  readonly nightdesk: Nightdesk;
  readonly database: Database;
  raw(request: RawRequest): Promise<Answer>;
  /** Messages in mailboxes, oldest first. */
  events(): (Pick<MailboxEvent, 'kind'> & Kept)[];
  /** Notices of tenants. */
  notices(): Kept[];
  /** `tenant reason`, oldest first. */
  quarantine(): string[];
  apply(tenants: readonly object[]): Promise<unknown>;
}

export interface DoorOptions {
  env?: Record<string, string>;
  wrap?: (store: Store) => Store;
  log?: (line: string) => void;
  dialogs?: Dialog[];
}

/** What `tenants apply` is given for a business. */
export function tenantOf({ id, number, secret, verifyToken }: Business): object {
  return { id, appSecret: secret, verifyToken, phoneNumbers: [{ id: number, wabaId }] };
}

/** A server that stores and does no turns, so that what was stored can be looked at. */
export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const config = await readConfig({
    env: {
      DATABASE_URL: 'sqlite::memory:',
      WHATSAPP_APP_SECRET: appSecrets.join(','),
      WHATSAPP_VERIFY_TOKEN: 'verify token of the app',
      ...options.env,
    },
    folder: '/',
    roles: ['webhook'],
  });
  const { log: write } = options;
  const world = createRealWorld({
    log: createLog(write === undefined ? { level: 'silent' } : { level: 'debug', write }),
  });
  const database = openDatabase(':memory:');
  const opened = storeOn(database, { soon: world.timers.soon, random: world.random });
  const nightdesk = createNightdesk({
    config: { ...config, file: { ...config.file, dialogs: options.dialogs ?? [] } },
    world,
    store: options.wrap?.(opened) ?? opened,
    secrets: new Secrets(['a key of at least thirty-two characters']),
    model: createDemoModel({ timers: world.timers }),
    singleOwner: true,
  });
  await nightdesk.start();
  const http = await startHttpSurface({ nightdesk, host: '127.0.0.1', port: 0 });
  closers.push(async () => {
    await http.close();
    await nightdesk.stop({ deadlineMs: 0 });
    await opened.close();
    world.close();
  });
  const apply = (tenants: readonly object[]) => runCommand(nightdesk, 'tenants.apply', { file: { tenants } });
  await apply([tenantOf(acme), tenantOf(beta)]);
  return {
    port: http.port,
    nightdesk,
    database,
    apply,
    raw: (request) => exchange(http.port, request),
    events: () =>
      database.all('SELECT tenant_id, kind, raw FROM event ORDER BY tenant_id, conversation_id, position'),
    notices: () => database.all('SELECT tenant_id, raw FROM notice ORDER BY tenant_id, received_at_ms'),
    quarantine: () =>
      database
        .all<{ tenant_id: string; reason: string }>('SELECT tenant_id, reason FROM quarantine ORDER BY 1, 2')
        .map(({ tenant_id, reason }) => `${tenant_id} ${reason}`),
  };
}

/** The header's value for a body. */
export function signatureOf(secret: string, body: string | Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`;
}

/** A POST with one signature header, or none. */
export function post(
  body: string | Uint8Array,
  signature: string | undefined,
  target: string = sharedPath,
): RawRequest {
  const headers: [string, string][] = [['content-type', 'application/json']];
  if (signature !== undefined) headers.push(['x-hub-signature-256', signature]);
  return { method: 'POST', target, headers, body };
}

/** One request on a connection of its own. */
function exchange(port: number, request: RawRequest): Promise<Answer> {
  const { method = 'GET', target = '/', headers = [], body = '' } = request;
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body);
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [`${method} ${target} HTTP/1.1`, `host: 127.0.0.1:${port}`, 'connection: close'];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (method !== 'GET' && !given.has('content-length') && !given.has('transfer-encoding'))
    lines.push(`content-length: ${bytes.length}`);
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(answerOf(Buffer.concat(chunks).toString('utf8'))));
    // A header may hold any byte, as on the wire.
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
    socket.write(bytes);
  });
}

function answerOf(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
}

/** A shop that posts events to a server over real HTTP: the server of the security tests, a key, a customer who has written. */
import { runCommand } from '#runtime/commands.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import {
  type Answer,
  acme,
  appSecrets,
  type Business,
  beta,
  type Door,
  type DoorOptions,
  openDoor,
  post,
  signatureOf,
  wabaId,
} from '../security/door.ts';

export const customer = { phone: '15550001111', bsuid: 'US.1', name: 'Noor' };

export interface Shop {
  readonly door: Door;
  readonly key: string;
  readonly keyId: string;
  /** The customer's conversation with the business. */
  readonly conversationId: string;
  tell(body: unknown, options?: Telling): Promise<Answer>;
  /** Facts in mailboxes, oldest first. */
  facts(): { tenant_id: string; conversation_id: string; business: unknown }[];
}

export interface Telling {
  authorization?: string | null;
  idempotencyKey?: string | null;
  raw?: string | Uint8Array;
}

export const paid = {
  phoneNumberId: acme.number,
  contact: { phone: customer.phone },
  name: 'payment.succeeded',
  data: { order: 'A-1' },
};

export const jsonOf = (answer: Answer) => JSON.parse(answer.body) as Record<string, unknown>;
export const codeOf = (answer: Answer) => (jsonOf(answer).error as { code: string } | undefined)?.code;

export function makeKey(door: Door, tenantId: string): Promise<{ key: string; keyId: string }> {
  return runCommand(door.nightdesk, 'keys.create', { tenantId, label: 'shop', by: 'ann' }) as Promise<{
    key: string;
    keyId: string;
  }>;
}

/** A customer writes; returns the conversation. */
export async function write(door: Door, { number }: Business): Promise<string> {
  const webhooks = createWebhooks({ phoneNumberId: number, wabaId, from: customer });
  const body = webhooks.body([webhooks.text({ text: 'hello' })]);
  await door.raw(post(body, signatureOf(appSecrets[0], body)));
  const [row] = door.database.all<{ conversation_id: string }>(
    'SELECT conversation_id FROM conversation WHERE phone_number_id = ?',
    number,
  );
  return row?.conversation_id ?? '';
}

export async function openShop(options: DoorOptions = {}): Promise<Shop> {
  const door = await openDoor(options);
  const conversationId = await write(door, acme);
  const { key, keyId } = await makeKey(door, acme.id);
  let events = 0;
  return {
    ...{ door, key, keyId, conversationId },
    tell(body, { authorization = `Bearer ${key}`, idempotencyKey = `event-${++events}`, raw } = {}) {
      const headers: [string, string][] = [['content-type', 'application/json']];
      if (authorization !== null) headers.push(['authorization', authorization]);
      if (idempotencyKey !== null) headers.push(['idempotency-key', idempotencyKey]);
      return door.raw({ method: 'POST', target: '/events', headers, body: raw ?? JSON.stringify(body) });
    },
    facts: () =>
      door.database
        .all<{ tenant_id: string; conversation_id: string; content: string }>(
          "SELECT tenant_id, conversation_id, content FROM event WHERE kind = 'business' ORDER BY tenant_id, conversation_id, position",
        )
        .map(({ content, ...row }) => ({ ...row, ...(JSON.parse(content) as { business: unknown }) })),
  };
}

export { acme, beta };

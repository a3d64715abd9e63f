/** A shop that tells a town's bot something by the door of `POST /events`. */
import type { Town } from '../virtual/town.ts';

export interface Telling {
  contact: string;
  name: string;
  idempotencyKey: string;
  data?: unknown;
}

/** @returns the HTTP status of the answer */
export async function tell(
  town: Town,
  { contact, name, idempotencyKey, data = null }: Telling,
): Promise<number> {
  const { events } = town.nightdesk;
  const [tenant] = town.tenants;
  const tenantId = tenant?.id ?? '';
  const { key } = await town.command<{ key: string }>('keys.create', { tenantId, label: 'shop', by: 'ann' });
  const caller = await town.done(events.callerOf(`Bearer ${key}`));
  if ('status' in caller) throw new Error('The key that was just made opens nothing.');
  const body = { phoneNumberId: town.numberOf(tenantId), contact: { phone: contact }, name, data };
  const rawBody = Buffer.from(JSON.stringify(body));
  return (await town.done(events.receive({ caller, idempotencyKey, rawBody }))).status;
}

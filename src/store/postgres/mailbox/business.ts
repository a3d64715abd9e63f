/**
 * Events of the business' own systems, and their keys. To let an event name its customer another way, add a `kind` to
 * `_find_addressee` of `business.sql`.
 */
import { refuseWhenBehind } from '#core/model/behind.ts';
import { showable, storableJson, storableText } from '#core/model/storable.ts';
import type { BusinessAddress, BusinessAppended, BusinessStore } from '#core/ports/store-business.ts';
import type { Database } from '../database/database.ts';

/** One write a minute is enough to see whether a key is still in use. */
const useNotedEveryMs = 60_000;

/** The answer names the conversation alone: its tenant is the event's. */
type Answer =
  | { outcome: 'stored'; conversationId: string; position: number }
  | { outcome: 'duplicate'; conversationId: string; position: number; isOpen: boolean }
  | { outcome: 'otherRequest' }
  | { outcome: 'unknown'; what: 'contact' | 'conversation' };

export function businessMethods(db: Database): BusinessStore {
  let waiting = 0;
  return {
    async appendBusiness(event) {
      refuseWhenBehind('appendBusiness', waiting);
      const { tenantId, name, data } = event;
      const input = {
        tenantId,
        nowMs: event.nowMs,
        keyId: event.keyId,
        useNotedEveryMs,
        dedupeKey: storableText(`business:${event.idempotencyKey}`, 'idempotency key of an event'),
        request: storableText(event.request, 'request of an event'),
        to: encodeAddress(event.to),
        content: storableJson({ business: { name, data } }, 'data of an event'),
      };
      waiting += 1;
      try {
        return decode(tenantId, await db.change<Answer>('appendBusiness', 'append_business', input));
      } finally {
        waiting -= 1;
      }
    },
    async createApiKey(input) {
      const texts = { label: showable(input.label) ?? '', by: showable(input.by) ?? '' };
      await db.change('createApiKey', 'create_api_key', { ...input, ...texts });
    },
    async revokeApiKey(input) {
      await db.change('revokeApiKey', 'revoke_api_key', { ...input, by: showable(input.by) });
    },
    listApiKeys: (input) => db.call('list_api_keys', input),
    findApiKey: (digest) => db.call('find_api_key', { digest }),
  };
}

function encodeAddress(to: BusinessAddress): object {
  const checked = (value: string) => storableText(value, 'address of an event');
  switch (to.kind) {
    case 'conversation':
      return { ...to, conversationId: checked(to.conversationId) };
    case 'contact':
      return { ...to, contactId: checked(to.contactId) };
    default:
      return { ...to, value: checked(to.value) };
  }
}

function decode(tenantId: string, answer: Answer): BusinessAppended {
  if (!('conversationId' in answer)) return answer;
  const { conversationId, ...rest } = answer;
  return { ...rest, ref: { tenantId, conversationId } };
}

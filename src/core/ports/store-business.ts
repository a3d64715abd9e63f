/**
 * The part of the store that the business' own systems use: what they tell becomes an event in a mailbox, once for each
 * idempotency key, and their keys are known by digest only, so that whoever reads the database cannot speak for a shop.
 */
import type { ConversationRef } from '../model/ids.ts';

/** Which conversation an event is for: its id, or a customer on a number. Nothing is made: one who never wrote is unknown. */
export type BusinessAddress =
  | { kind: 'conversation'; conversationId: string; phoneNumberId: string | null }
  | { kind: 'contact'; phoneNumberId: string; contactId: string }
  | { kind: 'phone' | 'bsuid'; phoneNumberId: string; wabaId: string; value: string };

export interface NewBusinessEvent {
  tenantId: string;
  /** Unique for the tenant as long as events are kept. */
  idempotencyKey: string;
  /** All that was asked for, in one canonical text: the same key with another one is refused. */
  request: string;
  to: BusinessAddress;
  name: string;
  data: unknown;
  /** The API key that it came with; null where something else proved who sent it. */
  keyId: string | null;
  nowMs: number;
}

export type BusinessAppended =
  | { outcome: 'stored'; ref: ConversationRef; position: number }
  /** Nothing changed; `isOpen` where no turn has taken it yet, so that it is announced again. */
  | { outcome: 'duplicate'; ref: ConversationRef; position: number; isOpen: boolean }
  | { outcome: 'otherRequest' }
  | { outcome: 'unknown'; what: 'contact' | 'conversation' };

export interface ApiKeyRow {
  tenantId: string;
  keyId: string;
  label: string;
  createdBy: string;
  createdAtMs: number;
  /** When an event last came with it, to the minute. */
  lastUsedAtMs: number | null;
  revokedAtMs: number | null;
}

export interface BusinessStore {
  appendBusiness(event: NewBusinessEvent): Promise<BusinessAppended>;

  /** @throws Fault conflict where the tenant has `liveMax` keys that are not revoked. */
  createApiKey(input: {
    tenantId: string;
    keyId: string;
    digest: string;
    label: string;
    by: string;
    liveMax: number;
    nowMs: number;
  }): Promise<void>;
  /** @throws Fault notFound, or conflict where it is revoked already. */
  revokeApiKey(input: { tenantId: string; keyId: string; by: string; nowMs: number }): Promise<void>;
  listApiKeys(input: { tenantId?: string; max: number }): Promise<ApiKeyRow[]>;
  /** The live key of this digest. */
  findApiKey(digest: string): Promise<{ tenantId: string; keyId: string } | null>;
}

/**
 * The door of the business' own systems: a shop tells that a payment succeeded, that an order was shipped, and the
 * dialog of that customer gets it as an event. An API key says for which tenant; an idempotency key makes an event one,
 * however often it is sent. 202 is answered after the commit; what names a customer who never wrote is answered 404 and
 * nothing is stored. A payment provider signs instead of having a key. To add a provider, add a reader like `stripe.ts`,
 * a method here and a path in `surface/http/`.
 */
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import type { BusinessAppended, NewBusinessEvent } from '#core/ports/store-business.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { TenantDirectory } from '#core/ports/tenants.ts';
import type { World } from '#core/ports/world.ts';
import { parseNow, SchemaMismatch, type StandardSchema } from '#core/standard-schema.ts';
import { digestOfKey, keyIn } from './api-keys.ts';
import { BadEvent, canonicalOf, type ReadEvent, readEvent } from './read-event.ts';
import { isSignedByStripe, readPayment } from './stripe.ts';

export interface EventsDeps {
  world: World;
  store: Pick<Store, 'appendBusiness' | 'findApiKey'>;
  directory: TenantDirectory;
  telemetry: Telemetry;
  /** What the data of events must fit that the bot declares, by name. */
  schemas: ReadonlyMap<string, StandardSchema>;
  /** Resolves when the wake is where it survives this process. Rejects with `wakeUnavailable`: the caller is to come back. */
  onAppended(ref: ConversationRef): Promise<void> | undefined;
}

/** For whom a request speaks. */
export interface Caller {
  tenantId: string;
  keyId: string;
}

export interface EventRequest {
  caller: Caller;
  idempotencyKey: string | undefined;
  rawBody: Uint8Array;
}

export interface PaymentRequest {
  tenantId: string;
  /** `Stripe-Signature`. */
  signature: string | undefined;
  rawBody: Uint8Array;
}

export interface EventAnswer {
  status: 200 | 202 | 400 | 401 | 404 | 409 | 413 | 503;
  retryAfterSeconds?: number;
  body: EventAnswerBody | null;
}

export type EventAnswerBody =
  | { status: 'stored' | 'duplicate'; conversationId: string }
  | { status: 'ignored' }
  | { error: { code: string; message: string } };

export interface EventsStation {
  /** Who calls, by the key in an `Authorization` header; else the answer that turns them away. */
  callerOf(authorization: string | undefined): Promise<Caller | EventAnswer>;
  receive(request: EventRequest): Promise<EventAnswer>;
  receiveStripe(request: PaymentRequest): Promise<EventAnswer>;
}

type Door = 'events' | 'stripe';

const idempotencyKeyForm = /^[\x21-\x7e]+$/;
const idempotencyKeyCharsMax = 200;

const isIdempotencyKey = (key: string): boolean =>
  key.length <= idempotencyKeyCharsMax && idempotencyKeyForm.test(key);

const refusal = (status: EventAnswer['status'], code: string, message: string): EventAnswer => ({
  status,
  body: { error: { code, message } },
});

const unauthorized = refusal(
  401,
  'unauthorized',
  'No live API key came with the request. Send one as "Authorization: Bearer ndk_..."; nightdesk keys create makes one.',
);

export function createEventsStation(deps: EventsDeps): EventsStation {
  const { world, store, directory, telemetry } = deps;

  const append = async (door: Door, event: Omit<NewBusinessEvent, 'nowMs'>): Promise<EventAnswer> => {
    const nowMs = world.clock.nowMs();
    const { tenantId, name } = event;
    world.observer?.observe({ kind: 'businessReceived', door, tenantId, name });
    const appended = await store.appendBusiness({ ...event, nowMs });
    tellAppended(world, { door, name }, appended, nowMs);
    const isOpen = appended.outcome === 'stored' || (appended.outcome === 'duplicate' && appended.isOpen);
    if (isOpen) await deps.onAppended(appended.ref);
    return answerTo(appended);
  };

  const receive = async ({ caller, idempotencyKey = '', rawBody }: EventRequest): Promise<EventAnswer> => {
    if (rawBody.byteLength > limits.businessEventBytesMax) return tooLarge(limits.businessEventBytesMax);
    if (!isIdempotencyKey(idempotencyKey))
      return refusal(
        400,
        'idempotencyKey',
        'The header Idempotency-Key must hold 1 to 200 visible ASCII characters, other ones for each event and the same ones whenever it is sent again.',
      );
    const { tenantId, keyId } = caller;
    const read = readEvent(rawBody);
    const to = addressOf(directory, tenantId, read);
    if (to === null)
      return refusal(
        404,
        'unknownNumber',
        'The tenant of this key has no such phone number. "phoneNumberId" is Meta’s id; nightdesk tenants list shows those of each tenant.',
      );
    const { name, data, request } = read;
    const misfit = misfitIn(deps.schemas.get(name), read);
    if (misfit !== null) return refusal(400, 'badData', misfit);
    return append('events', {
      ...{ tenantId, keyId, request, to, name, data },
      idempotencyKey: `key:${idempotencyKey}`,
    });
  };

  const receiveStripe = async ({ tenantId, signature, rawBody }: PaymentRequest): Promise<EventAnswer> => {
    if (rawBody.byteLength > limits.paymentEventBytesMax) return tooLarge(limits.paymentEventBytesMax);
    const secrets = directory.tenant(tenantId)?.stripeWebhookSecrets ?? [];
    if (!isSignedByStripe({ rawBody, header: signature, secrets, nowMs: world.clock.nowMs() }))
      return { status: 401, body: null };
    const read = readPayment(rawBody);
    if (read.kind === 'ignored') return { status: 200, body: { status: 'ignored' } };
    if (read.kind === 'unreadable') return refusal(400, 'unreadable', 'The body is no event of Stripe.');
    const { eventId, conversationId, name, data } = read;
    const answer = await append('stripe', {
      ...{ tenantId, keyId: null, name, data },
      idempotencyKey: `stripe:${eventId}`,
      request: canonicalOf({ conversationId, name }),
      to: { kind: 'conversation', conversationId, phoneNumberId: null },
    });
    if (answer.status === 404) alertOfPayment(deps, { tenantId, conversationId, eventId, name });
    return answer;
  };

  /** Counts the answer, and gives one where the store has none. */
  const answered = async (door: Door, ask: () => Promise<EventAnswer>): Promise<EventAnswer> => {
    const answer = await ask().catch((error: unknown) => answerToError(deps, error));
    telemetry.count('nightdesk_event_acks_total', { door, status: answer.status });
    return answer;
  };

  return {
    async callerOf(authorization) {
      const key = keyIn(authorization);
      const caller = key === null ? null : await findCaller(deps, digestOfKey(key));
      if (caller !== null && 'tenantId' in caller) return caller;
      return answered('events', async () => caller ?? unauthorized);
    },
    receive: (request) => answered('events', () => receive(request)),
    receiveStripe: (request) => answered('stripe', () => receiveStripe(request)),
  };
}

/**
 * Where the data does not fit what the bot declares, by the names of its fields. What is stored is what came: the turn
 * makes of it what the schema says, by the schema of that day.
 */
function misfitIn(schema: StandardSchema | undefined, { name, data }: ReadEvent): string | null {
  if (schema === undefined) return null;
  try {
    parseNow(schema, data, `"data" of "${name}"`);
    return null;
  } catch (error) {
    if (error instanceof SchemaMismatch) return error.message;
    throw error;
  }
}

async function findCaller(deps: EventsDeps, digest: string): Promise<Caller | EventAnswer | null> {
  try {
    const caller = await deps.store.findApiKey(digest);
    // A tenant that is gone has no events.
    return caller !== null && deps.directory.tenant(caller.tenantId) !== undefined ? caller : null;
  } catch (error) {
    return answerToError(deps, error);
  }
}

/** Null where the tenant has no such number. */
function addressOf(
  directory: TenantDirectory,
  tenantId: string,
  read: ReadEvent,
): NewBusinessEvent['to'] | null {
  const { phoneNumberId, to } = read;
  const number = phoneNumberId === null ? undefined : directory.phoneNumber(phoneNumberId);
  if (phoneNumberId !== null && number?.tenantId !== tenantId) return null;
  if (to.kind === 'conversation') return { ...to, phoneNumberId };
  if (number === undefined) return null;
  return to.kind === 'contact'
    ? { ...to, phoneNumberId: number.phoneNumberId }
    : { ...to, phoneNumberId: number.phoneNumberId, wabaId: number.wabaId };
}

/** Where somebody watches: whether it was new. What was refused is seen by its answer. */
function tellAppended(
  { observer, clock }: World,
  of: { door: Door; name: string },
  appended: BusinessAppended,
  receivedAtMs: number,
): void {
  if (appended.outcome !== 'stored' && appended.outcome !== 'duplicate') return;
  const { outcome, ref, position } = appended;
  observer?.observe(
    outcome === 'stored'
      ? { kind: 'businessStored', ...of, ...ref, position, tookMs: clock.nowMs() - receivedAtMs }
      : { kind: 'businessDuplicate', ...of, ...ref, position },
  );
}

function answerTo(appended: BusinessAppended): EventAnswer {
  switch (appended.outcome) {
    case 'stored':
    case 'duplicate': {
      const { outcome, ref } = appended;
      const status = outcome === 'stored' ? 202 : 200;
      return { status, body: { status: outcome, conversationId: ref.conversationId } };
    }
    case 'otherRequest':
      return refusal(
        409,
        'idempotencyKeyUsed',
        'This Idempotency-Key came before with another request, and nothing was changed. Give each event a key of its own.',
      );
    case 'unknown':
      return appended.what === 'contact'
        ? refusal(
            404,
            'unknownContact',
            'The tenant of this key knows no such contact, and nothing was stored. A contact is known once they have written to one of its numbers; a phone is written with its country code.',
          )
        : refusal(
            404,
            'unknownConversation',
            'There is no such conversation on that number, and nothing was stored. A conversation begins when the customer writes to the number; dialogs know its id.',
          );
  }
}

function tooLarge(bytesMax: number): EventAnswer {
  return refusal(
    413,
    'tooLarge',
    `The body has more than ${bytesMax} bytes. Send ids and amounts, and let the dialog fetch the rest.`,
  );
}

function answerToError({ telemetry, world }: EventsDeps, error: unknown): EventAnswer {
  if (error instanceof BadEvent) return refusal(400, 'badEvent', error.message);
  if (isFault(error, 'badData'))
    return refusal(400, 'badEvent', 'The body holds what cannot be stored as it is.');
  const retryAfterSeconds = Math.ceil(limits.retryAfterMs / 1_000);
  if (isFault(error, 'wakeUnavailable'))
    return {
      ...refusal(
        503,
        'unavailable',
        'It is stored, but its conversation could not be woken. Send the same event with the same key again.',
      ),
      retryAfterSeconds,
    };
  telemetry.count('nightdesk_store_faults_total', { operation: 'appendBusiness' });
  if (!isFault(error)) world.log.error({ err: outlineOf(error) }, 'An event of the business was not stored.');
  return {
    ...refusal(503, 'unavailable', 'Nothing was stored. Send the same event with the same key again.'),
    retryAfterSeconds,
  };
}

/** Money came for a conversation that is not there: a person must look, and the provider tells again. */
function alertOfPayment(
  { telemetry, world }: EventsDeps,
  of: { tenantId: string; conversationId: string; eventId: string; name: string },
): void {
  telemetry.count('nightdesk_alerts_total', { reason: 'paymentWithoutConversation' });
  world.log.error(
    of,
    'A payment provider told of a checkout whose conversation is not there. Was the database restored, or does the endpoint name another tenant? The provider will tell again.',
  );
}

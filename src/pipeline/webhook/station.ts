/**
 * The webhook: verify, read, store, answer. It answers 200 only after the commit that stored everything of the body,
 * 401 where no secret fits, 503 where the store is behind or down: Meta keeps the body for seven days and comes back. The
 * shared path knows the app-wide secrets; a tenant's own secret counts only on the tenant's path, and a body there may
 * name only that tenant's numbers. What belongs to nobody, or cannot be read, is quarantined, never dropped.
 */
import { limits } from '#core/limits.ts';
import type { InboundItem, InboundMessage, InboundNotice, InboundStatus } from '#core/model/events.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type {
  AppendBatch,
  Appended,
  QuarantineItem,
  StatusBatch,
  StatusesRecorded,
  Store,
} from '#core/ports/store.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { PhoneNumber, TenantDirectory } from '#core/ports/tenants.ts';
import type { World } from '#core/ports/world.ts';
import { answerHandshake, type HandshakeAnswer } from './handshake.ts';
import { Labels } from './labels.ts';
import { tellReceived, tellStatuses, tellStored } from './moments.ts';
import { parseWebhook } from './parse.ts';
import { Refusals } from './refusals.ts';
import {
  type SignatureCheck,
  type SignedRequest,
  verifyAsItCame,
  verifyEscaped,
  verifySignature,
} from './signature.ts';
import { type Sorted, slicesOf } from './slices.ts';

export interface WebhookDeps {
  world: World;
  store: Pick<Store, 'append' | 'recordStatuses'>;
  directory: TenantDirectory;
  telemetry: Telemetry;
  /** App-wide secrets, several while one is rotated. */
  appSecrets: readonly string[];
  verifyTokens: readonly string[];
  /** Both resolve when the wakes are where they survive this process. Reject with `wakeUnavailable`: Meta is to come back. */
  onAppended(appended: Appended): Promise<void> | undefined;
  onStatuses(recorded: StatusesRecorded): Promise<void> | undefined;
}

export interface WebhookRequest {
  /** Set on a tenant's own path. */
  tenantId?: string;
  rawBody: Uint8Array;
  signature: string | undefined;
}

export interface WebhookAnswer {
  status: 200 | 401 | 413 | 503;
  retryAfterSeconds?: number;
}

export interface WebhookStation {
  receive(request: WebhookRequest): Promise<WebhookAnswer>;
  handshake(query: Record<string, unknown>, tenantId?: string): HandshakeAnswer;
  /** Puts quarantined items in again, e.g. when a tenant got their number; returns those that found a place. */
  reappend(
    items: { quarantineId: string; tenantId: string; item: InboundMessage | InboundStatus }[],
  ): Promise<string[]>;
}

/** Takes about 5 ms to read. */
const largeBodyBytes = 512 * 1024;

/** Meta has about 40 fields and 30 types of messages. */
const labelsMax = 200;

export function createWebhookStation(deps: WebhookDeps): WebhookStation {
  const kinds = new Labels(labelsMax);
  const alertReasons = new Labels(labelsMax);
  const refusals = new Refusals(deps);
  const { observer } = deps.world;
  const secretsFor = (tenantId: string | undefined): string[] => {
    if (tenantId === undefined) return [...deps.appSecrets];
    const tenant = deps.directory.tenant(tenantId);
    if (tenant === undefined) return [];
    return tenant.appSecret === undefined ? [...deps.appSecrets] : [tenant.appSecret, ...deps.appSecrets];
  };

  /** To check a large body takes long, and so does to read it and to store it: between them others get their turn. */
  const othersTurn = () => new Promise<void>(deps.world.timers.soon);

  const verifyInTurns = async (request: SignedRequest): Promise<SignatureCheck> => {
    const direct = verifyAsItCame(request);
    await othersTurn();
    if (direct.ok) return direct;
    const escaped = verifyEscaped(request);
    await othersTurn();
    return escaped;
  };

  const commit = async (sorted: Sorted): Promise<void> => {
    const { batch, statuses } = sorted;
    const hasBatch = batch.messages.length + batch.notices.length + batch.quarantine.length > 0;
    const appending = hasBatch ? deps.store.append(batch) : null;
    const [appended, recorded] =
      statuses.statuses.length === 0
        ? [await appending, null]
        : await Promise.all([appending, deps.store.recordStatuses(statuses)]);
    let woken: Promise<void> | undefined;
    let freed: Promise<void> | undefined;
    if (appended !== null) {
      countAppended(deps.telemetry, appended, batch, alertReasons);
      if (observer !== undefined) tellStored(observer, sorted, appended);
      woken = deps.onAppended(appended);
    }
    if (recorded !== null) {
      countStatuses(deps.telemetry, recorded);
      if (observer !== undefined) tellStatuses(observer, sorted, recorded);
      freed = deps.onStatuses(recorded);
    }
    if (woken !== undefined || freed !== undefined) await Promise.all([woken, freed]);
  };

  /**
   * All slices at once, so that they are stored in their order and before the work that the first of them makes. Settles
   * when the last has; a fault of the store counts more than a slice that cannot be stored as data.
   */
  const commitAll = async (sorted: Sorted): Promise<void> => {
    const slices = slicesOf(sorted, limits.appendSliceMax);
    if (slices.length === 1) return commit(sorted);
    const ends = await Promise.allSettled(slices.map(commit));
    const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (errors.length > 0)
      throw errors.find((error) => isFault(error) && error.code !== 'badData') ?? errors[0];
  };

  const receive = async (request: WebhookRequest): Promise<WebhookAnswer> => {
    const { rawBody, signature: header } = request;
    const isLarge = rawBody.byteLength >= largeBodyBytes;
    const signed = { rawBody, header, secrets: secretsFor(request.tenantId) };
    const verdict = isLarge ? await verifyInTurns(signed) : verifySignature(signed);
    if (!verdict.ok) return { status: 401 };
    if (verdict.escapedForm) deps.telemetry.count('nightdesk_webhook_escaped_signatures_total');
    const nowMs = deps.world.clock.nowMs();
    const parsed = parseWebhook(request.rawBody, nowMs);
    for (const [kind, count] of Object.entries(parsed.byKind))
      deps.telemetry.count('nightdesk_webhook_items_total', { kind: kinds.of(kind) }, count);
    const sorted = sortItems(deps.directory, parsed.items, request.tenantId, nowMs);
    if (observer !== undefined) tellReceived(observer, sorted);
    if (!parsed.readable) sorted.batch.quarantine.push(asBytes('unreadable', request));
    else if (parsed.problems.length > 0) sorted.batch.quarantine.push(asBytes('incomplete', request));
    try {
      if (isLarge) await othersTurn();
      await commitAll(sorted);
      return { status: 200 };
    } catch (error) {
      if (isFault(error) && error.code !== 'badData') return refusals.refuse(error);
      return await quarantineWhole({ ...deps, refusals }, commit, request, nowMs, error);
    }
  };

  return {
    async receive(request) {
      const startedMs = deps.world.clock.monotonicMs();
      const answer =
        request.rawBody.byteLength > limits.webhookBodyBytesMax
          ? { status: 413 as const }
          : await receive(request);
      deps.telemetry.count('nightdesk_webhook_acks_total', { status: answer.status });
      const tookMs = deps.world.clock.monotonicMs() - startedMs;
      deps.telemetry.observe('nightdesk_ack_seconds', tookMs / 1_000);
      observer?.observe({
        ...{ kind: 'webhookAnswered', httpStatus: answer.status, bytes: request.rawBody.byteLength, tookMs },
      });
      return answer;
    },
    handshake(query, tenantId) {
      const own = tenantId === undefined ? undefined : deps.directory.tenant(tenantId)?.verifyToken;
      return answerHandshake(query, own === undefined ? deps.verifyTokens : [own, ...deps.verifyTokens]);
    },
    async reappend(items) {
      const nowMs = deps.world.clock.nowMs();
      const placed: string[] = [];
      for (const { quarantineId, tenantId, item } of items) {
        const sorted = sortItems(deps.directory, [item], tenantId === '' ? undefined : tenantId, nowMs);
        if (sorted.batch.quarantine.length > 0) continue;
        try {
          await commit(sorted);
          placed.push(quarantineId);
        } catch (error) {
          // Stored, but not woken: it stays in quarantine, and wakes as a duplicate when it is put in again.
          if (!isFault(error, 'wakeUnavailable')) throw error;
        }
      }
      return placed;
    },
  };
}

/** The body alone cannot be stored as what it says: it is kept as the bytes it is, for a person. */
async function quarantineWhole(
  deps: WebhookDeps & { refusals: Refusals },
  commit: (sorted: Sorted) => Promise<void>,
  request: WebhookRequest,
  nowMs: number,
  cause: unknown,
): Promise<WebhookAnswer> {
  deps.world.log.error(
    { err: outlineOf(cause) },
    'A signed webhook body cannot be stored as data; it is kept as bytes in quarantine.',
  );
  deps.telemetry.count('nightdesk_alerts_total', { reason: 'badData' });
  try {
    await commit({
      batch: { receivedAtMs: nowMs, messages: [], notices: [], quarantine: [asBytes('badData', request)] },
      statuses: { receivedAtMs: nowMs, statuses: [] },
    });
    return { status: 200 };
  } catch (error) {
    return deps.refusals.refuse(error);
  }
}

function asBytes(reason: QuarantineItem['reason'], request: WebhookRequest): QuarantineItem {
  return {
    reason,
    tenantId: request.tenantId ?? '',
    phoneNumberId: null,
    item: null,
    bytes: request.rawBody,
  };
}

/** Each item to its lane; what names no number of ours, or on a tenant's path a number of another, to quarantine. */
function sortItems(
  directory: TenantDirectory,
  items: readonly InboundItem[],
  pathTenantId: string | undefined,
  nowMs: number,
): Sorted {
  const batch: AppendBatch = { receivedAtMs: nowMs, messages: [], notices: [], quarantine: [] };
  const statuses: StatusBatch = { receivedAtMs: nowMs, statuses: [] };
  for (const item of items) {
    const number = item.phoneNumberId === undefined ? undefined : directory.phoneNumber(item.phoneNumberId);
    const reason = quarantineReason(number, pathTenantId);
    if (item.type === 'notice') {
      if (reason === 'foreignNumber') batch.quarantine.push(foreignNotice(item, pathTenantId ?? ''));
      else batch.notices.push({ tenantId: number?.tenantId ?? pathTenantId ?? '', notice: item });
      continue;
    }
    if (reason !== null || number === undefined) {
      batch.quarantine.push({
        reason: reason ?? 'unknownNumber',
        tenantId: pathTenantId ?? '',
        phoneNumberId: item.phoneNumberId,
        item,
        bytes: null,
      });
    } else if (item.type === 'message') batch.messages.push({ number, message: item });
    else statuses.statuses.push({ tenantId: number.tenantId, status: item });
  }
  return { batch, statuses };
}

/** A notice goes to no mailbox, so it is kept as bytes, for a person. */
function foreignNotice({ phoneNumberId, raw }: InboundNotice, tenantId: string): QuarantineItem {
  return {
    reason: 'foreignNumber',
    tenantId,
    phoneNumberId: phoneNumberId ?? null,
    item: null,
    bytes: Buffer.from(raw, 'utf8'),
  };
}

function quarantineReason(
  number: PhoneNumber | undefined,
  pathTenantId: string | undefined,
): 'unknownNumber' | 'foreignNumber' | null {
  if (number === undefined) return 'unknownNumber';
  return pathTenantId !== undefined && number.tenantId !== pathTenantId ? 'foreignNumber' : null;
}

function countAppended(
  telemetry: Telemetry,
  appended: Appended,
  batch: AppendBatch,
  alertReasons: Labels,
): void {
  if (appended.stored > 0) telemetry.count('nightdesk_events_stored_total', {}, appended.stored);
  if (appended.duplicates > 0) telemetry.count('nightdesk_events_duplicate_total', {}, appended.duplicates);
  for (const item of batch.quarantine)
    telemetry.count('nightdesk_events_quarantined_total', { reason: item.reason });
  for (const { notice } of batch.notices)
    if (notice.alert) telemetry.count('nightdesk_alerts_total', { reason: alertReasons.of(notice.field) });
}

function countStatuses(telemetry: Telemetry, recorded: StatusesRecorded): void {
  if (recorded.applied > 0)
    telemetry.count('nightdesk_statuses_total', { result: 'applied' }, recorded.applied);
  if (recorded.duplicates > 0)
    telemetry.count('nightdesk_statuses_total', { result: 'duplicate' }, recorded.duplicates);
  if (recorded.unmatched > 0)
    telemetry.count('nightdesk_statuses_total', { result: 'unmatched' }, recorded.unmatched);
  if (recorded.proven > 0)
    telemetry.count('nightdesk_uncertain_total', { result: 'proven' }, recorded.proven);
  if (recorded.provenDuplicates > 0)
    telemetry.count('nightdesk_duplicates_proven_total', {}, recorded.provenDuplicates);
}

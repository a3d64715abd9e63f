/**
 * The way out: what is asked of `grants.sql`, `settle.sql`, `statuses.sql` and `uncertain.sql`, and what they answer. Texts of Meta's that
 * a database could mangle are refused or mended here, before they join a group. To store more of an answer, encode it here and
 * write it where its outcome is settled.
 */
import { limits } from '#core/limits.ts';
import { refuseWhenBehind } from '#core/model/behind.ts';
import type { SendBody } from '#core/model/sends.ts';
import { showable, storableInteger, storableText } from '#core/model/storable.ts';
import type {
  Granted,
  GrantRequest,
  PaceRules,
  SendSettlement,
  SendsSettled,
  StatusBatch,
  StatusesRecorded,
  Store,
} from '#core/ports/store.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';

type Outbox = Pick<
  Store,
  'grantSends' | 'grantReceipt' | 'settleSends' | 'recordStatuses' | 'resolveUncertain'
>;

export function outboxMethods(db: Database): Outbox {
  const grants = new Group<ReturnType<typeof encodeRequest>, EncodedGrant[]>(db, {
    transaction: 'grantSends',
    function: 'grant_sends',
    shared: () => ({ serviceWindowMs: limits.serviceWindowMs }),
    costOf: (item) => item.sends.length,
  });
  const settlements = new Group<{ nowMs: number; settlements: SendSettlement[] }, SendsSettled>(db, {
    transaction: 'settleSends',
    function: 'settle_sends',
    costOf: (item) => item.settlements.length,
  });
  const statuses = new Group<ReturnType<typeof encodeStatuses>, StatusesRecorded>(db, {
    transaction: 'recordStatuses',
    function: 'record_statuses',
    costOf: (item) => item.statuses.length,
  });
  return {
    async grantSends(request) {
      if (request.sends.length === 0) return [];
      return (await grants.submit(encodeRequest(request))).map(decodeGranted);
    },
    grantReceipt: (input) => db.change('grantReceipt', 'grant_receipt', input),
    async settleSends(input) {
      return settlements.submit({ nowMs: input.nowMs, settlements: input.settlements.map(encodeSettlement) });
    },
    async recordStatuses(batch) {
      refuseWhenBehind('recordStatuses', statuses.waiting());
      return statuses.submit(encodeStatuses(batch));
    },
    resolveUncertain: (input) =>
      db.change('resolveUncertain', 'resolve_uncertain', {
        ...input,
        uncertainCapMs: limits.uncertainCapMs,
        uncertainEvidenceSends: limits.uncertainEvidenceSends,
        sendAttemptsMax: limits.sendAttemptsMax,
        clockSetBackMinMs: limits.clockSetBackMinMs,
        sweepEveryMs: limits.sweepEveryMs,
      }),
  };
}

/** The rules of a send by their place in a list: most sends of a request share them. */
function encodeRequest({ sends, rulesOf, inDoubt, ownerId, nowMs }: GrantRequest) {
  const rules: PaceRules[] = [];
  const places = new Map<string, number>();
  const asked = sends.map((send) => {
    const given = rulesOf(send);
    const key = JSON.stringify(given);
    const place = places.get(key) ?? rules.push(given) - 1;
    places.set(key, place);
    return { ...send, rules: place };
  });
  return {
    ownerId,
    nowMs,
    askedAtMs: nowMs,
    sends: asked,
    rules,
    ...(inDoubt === undefined ? {} : { inDoubt }),
  };
}

type GrantedSend = Extract<Granted, { outcome: 'granted' }>;
type EncodedGrant = Exclude<Granted, { outcome: 'granted' }> | (Omit<GrantedSend, 'body'> & { body: string });

function decodeGranted(grant: EncodedGrant): Granted {
  return grant.outcome === 'granted' ? { ...grant, body: JSON.parse(grant.body) as SendBody } : grant;
}

/** An address that cannot be stored is not learnt; a wamid that cannot leaves the send uncertain. @throws Fault badData */
function encodeSettlement(settlement: SendSettlement): SendSettlement {
  const { outcome } = settlement;
  switch (outcome.kind) {
    case 'accepted':
      return {
        ...settlement,
        outcome: {
          ...outcome,
          wamid: storableText(outcome.wamid, 'id in an answer'),
          waId: storableOrNull(outcome.waId),
          bsuid: storableOrNull(outcome.bsuid),
        },
      };
    case 'refused':
      return { ...settlement, outcome: { ...outcome, reason: showable(outcome.reason) ?? '' } };
    case 'retryLater':
      return { ...settlement, outcome: { ...outcome, atMs: Math.ceil(outcome.atMs) } };
    case 'uncertain':
      return { ...settlement, outcome: { ...outcome, why: showable(outcome.why) ?? '' } };
  }
}

function storableOrNull(text: string | null): string | null {
  return text !== null && isStorable(text) ? text : null;
}

const isStorable = (text: string) => text.isWellFormed() && !text.includes('\u0000');

/** @throws Fault badData */
function encodeStatuses({ receivedAtMs, statuses }: StatusBatch) {
  return {
    nowMs: receivedAtMs,
    statuses: statuses.map(({ tenantId, status }) => {
      const { phoneNumberId, opaque } = status;
      const errorCode = status.errors?.[0]?.code;
      return {
        ...{ tenantId, phoneNumberId, status: status.status },
        wamid: storableText(status.wamid, 'id in a status'),
        atMs: storableInteger(status.atMs, 'time of a status'),
        ...(errorCode === undefined ? {} : { errorCode }),
        ...(opaque?.startsWith('snd_') && isStorable(opaque) ? { sendId: opaque } : {}),
      };
    }),
  };
}

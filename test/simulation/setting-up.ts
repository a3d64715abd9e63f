/** A plan in the words of those who carry it out: the look-alike of Meta and `tenants apply`. */
import type { Plan, TenantPlan } from './plan.ts';
import { tokenOf } from './process.ts';

export const numberOf = (tenant: number, number: number) => `1${String(tenant).padStart(4, '0')}${number}`;
export const wabaOf = (tenant: number) => `2${String(tenant).padStart(4, '0')}`;
export const phoneOf = (contact: number, change = 0) =>
  `1650${String(change).padStart(3, '0')}${1_000 + contact}`;
export const userIdOf = (contact: number, change = 0) => `US.${900_000 + contact}${change}`;

/** The id of the contact whose address it is or was. */
export function contactAt(address: string): string {
  const digits = address.replace(/\D/g, '');
  const at = /^[A-Z]/.test(address) ? Number(digits.slice(0, 6)) - 900_000 : Number(digits.slice(-4)) - 1_000;
  return `c${at}`;
}

export function tenantsFileOf({ tenants }: Plan): unknown {
  return { tenants: tenants.map(tenantOf) };
}

function tenantOf(tenant: TenantPlan, at: number): unknown {
  return {
    id: tenant.id,
    accessToken: tokenOf(tenant.id),
    wabaId: wabaOf(at),
    limits: { ...(tenant.sendsPerSecondMax && { sendsPerSecondMax: tenant.sendsPerSecondMax }) },
    phoneNumbers: Array.from({ length: tenant.numbers }, (_, number) => ({
      id: numberOf(at, number),
      dialog: tenant.dialog,
      ...(tenant.numberPerSecond && { sendsPerSecondMax: tenant.numberPerSecond }),
      settings: {
        quietMs: tenant.quietMs,
        overlap: tenant.overlap,
        ...(tenant.repliesPerHourMax && { repliesPerContactPerHourMax: tenant.repliesPerHourMax }),
      },
    })),
  };
}

export function metaFaultsOf({ rates, batchMax }: Plan): Record<string, unknown> {
  const rate = (name: keyof Plan['rates']) => ({ rate: rates[name] });
  return {
    loseAnswer: rate('loseAnswer'),
    loseAnswerAfterHeaders: rate('loseAnswerAfterHeaders'),
    hangAnswer: rate('hangAnswer'),
    statusBeforeAnswer: rate('answerAfterStatus'),
    statusLost: rate('statusLost'),
    statusLate: { ...rate('statusLate'), minMs: 1_000, maxMs: 90_000 },
    failAfterAccept: rate('failAfterAccept'),
    duplicateWebhook: { ...rate('duplicateWebhook'), maxMs: 20_000 },
    shuffleWebhooks: { ...rate('shuffleWebhooks'), maxMs: 1_500 },
    batchWebhooks: { updatesMax: batchMax, waitMs: 100 },
    badSignature: rate('badSignature'),
    http5xxWithoutBody:
      rates.http5xxAccepted > 0
        ? { ...rate('http5xxAccepted'), accept: true }
        : { ...rate('http5xx'), accept: false },
    graphError: [
      { code: 1, ...rate('graph1') },
      { code: 131000, ...rate('graph131000') },
      { code: 131000, ...rate('graph131000Accepted'), accept: true },
      { code: 130429, ...rate('graph130429') },
      { code: 131056, ...rate('graph131056') },
      { code: 131026, ...rate('graph131026') },
      { code: 131048, ...rate('graph131048') },
      { code: 190, ...rate('graph190') },
    ],
    latencyMs: { minMs: 0, maxMs: 80 },
  };
}

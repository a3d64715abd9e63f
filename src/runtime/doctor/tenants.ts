/**
 * The part of the doctor that asks Graph about each tenant, in the order in which people get stuck: its token, its numbers,
 * its wabas, and the way of their webhooks.
 */
import type { Tenant } from '#core/ports/tenants.ts';
import type { Finding, Patient } from './finding.ts';
import type { GraphReader } from './graph.ts';
import { examineNumber, type NumberFacts } from './number.ts';
import { examineToken } from './token.ts';
import { examineWaba } from './waba.ts';
import { examineWebhook, type WebhookAddress } from './webhook.ts';

interface Asking {
  graph: GraphReader;
  /** Without it every question would only run into its time limit. */
  isReachable: boolean;
  timeoutMs: number;
}

export async function examineTenants(patient: Patient, asking: Asking): Promise<Finding[]> {
  const { tenants } = patient;
  if (tenants.length === 0)
    return [
      {
        check: 'tenants',
        status: 'warn',
        says: 'There is no tenant: whatever comes in waits in quarantine.',
        todo: 'Write a tenants file and run nightdesk tenants apply FILE.',
      },
    ];
  const findings: Finding[] = [];
  // One tenant after the other: hundreds of questions at once would meet Graph's rate limit.
  for (const tenant of tenants) findings.push(...(await examineTenant(patient, tenant, asking)));
  return findings;
}

async function examineTenant(patient: Patient, tenant: Tenant, asking: Asking): Promise<Finding[]> {
  const { config, world } = patient;
  const { graph, timeoutMs } = asking;
  const token = tenant.accessToken ?? config.accessToken;
  const obstacle = obstacleOf(tenant, token, asking);
  if (obstacle !== null || token === undefined) return obstacle === null ? [] : [obstacle];
  const wabaIds = [...new Set(tenant.phoneNumbers.map((number) => number.wabaId))];
  const secrets = tenant.appSecret === undefined ? config.appSecrets : [tenant.appSecret];
  const ofToken = await examineToken({
    check: `token (${tenant.tenantId})`,
    graph,
    token,
    wabaIds,
    appSecrets: secrets,
    nowMs: world.clock.nowMs(),
  });
  const numbers = await Promise.all(tenant.phoneNumbers.map((number) => examineNumber(graph, token, number)));
  const wabas = await Promise.all(
    wabaIds.map((wabaId) =>
      examineWaba({ graph, token, tenantId: tenant.tenantId, wabaId, appId: ofToken.appId }),
    ),
  );
  const webhooks = await Promise.all(
    addressesOf(numbers).map((address) => examineWebhook({ patient, tenant, address, timeoutMs })),
  );
  return [
    ...ofToken.findings,
    ...numbers.flatMap(({ findings }) => findings),
    ...wabas.flat(),
    ...webhooks.flat(),
  ];
}

function obstacleOf(tenant: Tenant, token: string | undefined, { isReachable }: Asking): Finding | null {
  const check = `tenant ${tenant.tenantId}`;
  if (token === undefined)
    return {
      check,
      status: 'fail',
      says: 'There is no access token, so nothing can leave; its sends wait.',
      todo: 'Give the tenant an "accessToken" and apply it, or set WHATSAPP_ACCESS_TOKEN.',
    };
  if (tenant.phoneNumbers.length === 0)
    return {
      check,
      status: 'warn',
      says: 'The tenant has no phone number.',
      todo: 'Add one to its "phoneNumbers" and apply the tenant again.',
    };
  if (!isReachable)
    return {
      check,
      status: 'warn',
      says: 'Its numbers could not be looked at, because Graph is not reachable.',
      todo: 'Mend the connection to Graph first.',
    };
  return null;
}

/** Each address once, however many numbers share it. */
function addressesOf(numbers: readonly NumberFacts[]): WebhookAddress[] {
  const addresses = new Map<string, WebhookAddress>();
  for (const { webhook } of numbers) if (webhook !== null) addresses.set(webhook.url, webhook);
  return [...addresses.values()];
}

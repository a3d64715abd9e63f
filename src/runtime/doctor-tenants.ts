/**
 * The part of the doctor that asks Graph about each tenant: whether its token opens its numbers, whether the numbers can
 * send, and whether any app gets the webhooks of its wabas. A waba without a subscribed app is the commonest reason
 * why no message ever comes.
 */
import type { PhoneNumber, Tenant } from '#core/ports/tenants.ts';
import type { CallOutcome, GraphClient, GraphPhoneNumber } from '#pipeline/graph/client.ts';
import type { Finding, Patient } from './doctor-finding.ts';

interface Asking {
  graph: GraphClient;
  /** Without it every question would only run into its time limit. */
  isReachable: boolean;
  timeoutMs: number;
}

interface Asked extends Asking {
  token: string;
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

async function examineTenant({ config }: Patient, tenant: Tenant, asking: Asking): Promise<Finding[]> {
  const check = `tenant ${tenant.tenantId}`;
  const token = tenant.accessToken ?? config.accessToken;
  if (token === undefined)
    return [
      {
        check,
        status: 'fail',
        says: 'There is no access token, so nothing can leave; its sends wait.',
        todo: 'Give the tenant an "accessToken" and apply it, or set WHATSAPP_ACCESS_TOKEN.',
      },
    ];
  if (tenant.phoneNumbers.length === 0)
    return [
      {
        check,
        status: 'warn',
        says: 'The tenant has no phone number.',
        todo: 'Add one to its "phoneNumbers" and apply the tenant again.',
      },
    ];
  if (!asking.isReachable)
    return [
      {
        check,
        status: 'warn',
        says: 'Its numbers could not be looked at, because Graph is not reachable.',
        todo: 'Mend the connection to Graph first.',
      },
    ];
  const asked = { ...asking, token };
  const wabaIds = [...new Set(tenant.phoneNumbers.map((number) => number.wabaId))];
  return [
    ...(await Promise.all(tenant.phoneNumbers.map((number) => examineNumber(asked, number)))),
    ...(await Promise.all(wabaIds.map((wabaId) => examineWaba(asked, tenant.tenantId, wabaId)))),
  ];
}

async function examineNumber({ graph, token, timeoutMs }: Asked, number: PhoneNumber): Promise<Finding> {
  const check = `number ${number.phoneNumberId} (${number.tenantId})`;
  const outcome = await graph.getPhoneNumber({ phoneNumberId: number.phoneNumberId, token, timeoutMs });
  if (outcome.kind === 'failed')
    return { check, status: 'fail', ...refusalOf(outcome, 'The number cannot be read') };
  const { status, qualityRating } = outcome.value;
  const says = describe(outcome.value);
  if (status !== undefined && status !== 'CONNECTED')
    return {
      check,
      status: 'fail',
      says: `${says} Only a connected number can send.`,
      todo: 'Register or connect the number in WhatsApp Manager.',
    };
  if (qualityRating === 'RED' || qualityRating === 'YELLOW')
    return {
      check,
      status: 'warn',
      says: `${says} Customers block or report its messages; Meta may restrict it.`,
      todo: 'Look at what the number sends, in WhatsApp Manager under Insights.',
    };
  return { check, status: 'ok', says };
}

function describe({ displayPhoneNumber, status, qualityRating }: GraphPhoneNumber): string {
  return `${displayPhoneNumber ?? 'The number'} can be read: status ${status ?? 'not told'}, quality ${qualityRating ?? 'not told'}.`;
}

async function examineWaba(
  { graph, token, timeoutMs }: Asked,
  tenantId: string,
  wabaId: string,
): Promise<Finding> {
  const check = `waba ${wabaId} (${tenantId})`;
  const outcome = await graph.getSubscribedApps({ wabaId, token, timeoutMs });
  if (outcome.kind === 'failed')
    return { check, status: 'fail', ...refusalOf(outcome, 'Its subscribed apps cannot be read') };
  const names = outcome.value.map((app) => app.name ?? app.id);
  if (names.length > 0) return { check, status: 'ok', says: `Webhooks go to ${names.join(', ')}.` };
  return {
    check,
    status: 'fail',
    says: 'No app is subscribed to this waba, so Meta sends no webhook for it and no message ever comes in.',
    todo: `Subscribe your app: POST /${wabaId}/subscribed_apps with the token of the tenant.`,
  };
}

type Failed = Extract<CallOutcome<unknown>, { kind: 'failed' }>;

function refusalOf({ why, error, rule }: Failed, what: string): Pick<Finding, 'says' | 'todo'> {
  if (error === undefined)
    return {
      says: `${what} (${why}).`,
      todo: 'Run the doctor again; if it stays so, check the network and the id.',
    };
  const meaning = rule === undefined ? '' : `, ${rule.meaning}`;
  const isToken = error.code === 190 || error.code === 0;
  const todo = isToken
    ? 'Make a new system user token with whatsapp_business_messaging and whatsapp_business_management, and apply the tenant with it.'
    : 'Check that the id is right and that the system user of the token may use it, with whatsapp_business_messaging and whatsapp_business_management.';
  return { says: `${what}: Graph answers with error ${error.code}${isToken ? meaning : ''}.`, todo };
}

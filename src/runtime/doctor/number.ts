/**
 * The part of the doctor that looks at a phone number: registered, connected, of good quality, with a name that was
 * approved, as fast as it is configured, and free of what Meta itself says keeps it from sending.
 */
import type { PhoneNumber } from '#core/ports/tenants.ts';
import { type Json, objectOf, textOf } from '#pipeline/graph/graph-error.ts';
import type { Finding } from './finding.ts';
import { type GraphReader, listOf, refusalOf, wordOf } from './graph.ts';

const fields = [
  'display_phone_number',
  'quality_rating',
  'status',
  'name_status',
  'code_verification_status',
  'platform_type',
  'throughput',
  'whatsapp_business_manager_messaging_limit',
  'webhook_configuration',
];

/** Meta's throughput of a number that was not raised, in and out together. */
const standardPerSecond = 80;

export interface NumberFacts {
  findings: Finding[];
  /** Where Meta sends the webhooks of this number; null where it did not say. */
  webhook: { url: string; from: 'number' | 'waba' | 'app' } | null;
}

export async function examineNumber(
  graph: GraphReader,
  token: string,
  number: PhoneNumber,
): Promise<NumberFacts> {
  const check = `number ${number.phoneNumberId} (${number.tenantId})`;
  const path = encodeURIComponent(number.phoneNumberId);
  const answer = await graph.read(token, path, { fields: fields.join(',') });
  if (answer.kind === 'failed')
    return {
      findings: [{ check, status: 'fail', ...refusalOf(answer, 'The number cannot be read') }],
      webhook: null,
    };
  const { json } = answer;
  const health = await graph.read(token, path, { fields: 'health_status' });
  return {
    findings: [
      stateOf(check, json, number),
      ...nameOf(check, json),
      ...speedOf(check, json, number),
      ...(health.kind === 'ok' ? healthOf(check, health.json) : []),
    ],
    webhook: webhookOf(json),
  };
}

function describe(json: Json): string {
  const shown = textOf(json.display_phone_number);
  const named = shown !== undefined && /^[+\d ()-]{3,30}$/.test(shown) ? shown : 'The number';
  const tier = wordOf(json.whatsapp_business_manager_messaging_limit);
  const more = tier === undefined ? '' : `, ${tier} to new customers a day`;
  return `${named} can be read: status ${wordOf(json.status) ?? 'not told'}, quality ${wordOf(json.quality_rating) ?? 'not told'}${more}.`;
}

const register = (phoneNumberId: string): string =>
  `Register it: POST /${phoneNumberId}/register with {"messaging_product":"whatsapp","pin":"SIX DIGITS"} and the token of the tenant.`;

function stateOf(check: string, json: Json, { phoneNumberId }: PhoneNumber): Finding {
  const says = describe(json);
  const platform = wordOf(json.platform_type);
  if (platform !== undefined && platform !== 'CLOUD_API')
    return {
      check,
      status: 'fail',
      says: `${says} It is not registered on the Cloud API (platform ${platform}), so nothing can be sent (error 133010).`,
      todo: register(phoneNumberId),
    };
  const status = wordOf(json.status);
  if (status === 'FLAGGED' || status === 'RESTRICTED')
    return {
      check,
      status: 'warn',
      says: `${says} It can still answer customers; Meta limits it because of its quality or how much it may send.`,
      todo: 'Look at the number in WhatsApp Manager, and send fewer templates until it is CONNECTED again.',
    };
  if (status !== undefined && status !== 'CONNECTED')
    return {
      check,
      status: 'fail',
      says: `${says} Only a connected number can send.`,
      todo:
        status === 'PENDING'
          ? register(phoneNumberId)
          : 'Register or connect the number in WhatsApp Manager.',
    };
  const verified = wordOf(json.code_verification_status);
  const quality = wordOf(json.quality_rating);
  if (quality === 'RED' || quality === 'YELLOW')
    return {
      check,
      status: 'warn',
      says: `${says} Customers block or report its messages; Meta may restrict it.`,
      todo: 'Look at what the number sends, in WhatsApp Manager under Insights.',
    };
  if (verified === 'NOT_VERIFIED')
    return {
      check,
      status: 'warn',
      says: `${says} Its owner was never verified by a code, so it cannot be registered again if it is ever taken off.`,
      todo: 'Ask for a code and verify it in WhatsApp Manager.',
    };
  return { check, status: 'ok', says };
}

/** Meta's own 555 numbers must not send before their name was approved; others are shown as a bare number until then. */
function nameOf(check: string, json: Json): Finding[] {
  const status = wordOf(json.name_status);
  if (status === undefined || status === 'APPROVED' || status === 'AVAILABLE_WITHOUT_REVIEW') return [];
  const digits = (textOf(json.display_phone_number) ?? '').replace(/\D/g, '');
  if (digits.startsWith('1555'))
    return [
      {
        check: `name of ${check}`,
        status: 'fail',
        says: `The display name is ${status}. A 555 number cannot send before its name is approved (error 131037).`,
        todo: 'Ask for an approved name in WhatsApp Manager > Phone numbers > Settings; it takes minutes to two days. A test number of the App Dashboard needs none.',
      },
    ];
  return [
    {
      check: `name of ${check}`,
      status: 'warn',
      says: `The display name is ${status}: customers see the number instead of it.`,
      todo: 'Ask for an approved name in WhatsApp Manager > Phone numbers > Settings.',
    },
  ];
}

function speedOf(check: string, json: Json, { sendsPerSecondMax }: PhoneNumber): Finding[] {
  const level = wordOf(objectOf(json.throughput)?.level);
  if (level !== 'STANDARD' || sendsPerSecondMax <= standardPerSecond) return [];
  return [
    {
      check: `speed of ${check}`,
      status: 'warn',
      says: `The number is configured for ${sendsPerSecondMax} messages a second and has Meta's standard throughput of ${standardPerSecond}: more is refused (error 130429).`,
      todo: `Leave out "sendsPerSecondMax", or set it to ${standardPerSecond} at most until Meta raises the number.`,
    },
  ];
}

/** What Meta itself says keeps messages from leaving: at the number, the waba, the business or the app, with error codes. */
function healthOf(check: string, json: Json): Finding[] {
  const health = objectOf(json.health_status) ?? {};
  const overall = wordOf(health.can_send_message);
  if (overall === undefined || overall === 'AVAILABLE') return [];
  const reasons = listOf(health.entities)
    .filter((entity) => wordOf(entity.can_send_message) !== 'AVAILABLE')
    .map((entity) => {
      const codes = listOf(entity.errors)
        .map(({ error_code }) => Number(error_code))
        .filter(Number.isInteger);
      const what = wordOf(entity.entity_type) ?? 'something';
      return { words: `${what}${codes.length === 0 ? '' : ` (error ${codes.join(', ')})`}`, codes };
    });
  const isPayment = reasons.some(({ codes }) => codes.includes(141006) || codes.includes(131042));
  return [
    {
      check: `${isPayment ? 'payment' : 'health'} of ${check}`,
      status: overall === 'BLOCKED' ? 'fail' : 'warn',
      says: `Meta says that sending is ${overall}, because of: ${reasons.map(({ words }) => words).join('; ') || 'nothing that it names'}.${isPayment ? ' Payment is not set up: templates, and since October 2026 also answers beyond the free ones, do not leave.' : ''}`,
      todo: isPayment
        ? 'Add a payment method: Business Settings > WhatsApp > the business > Payment settings.'
        : 'Look in WhatsApp Manager at what is named there, and mend that first.',
    },
  ];
}

function webhookOf(json: Json): NumberFacts['webhook'] {
  const found = objectOf(json.webhook_configuration) ?? {};
  // Meta asks in this order, and the first that is set wins.
  const own = textOf(found.phone_number);
  if (own !== undefined) return { url: own, from: 'number' };
  const waba = textOf(found.whatsapp_business_account);
  if (waba !== undefined) return { url: waba, from: 'waba' };
  const app = textOf(found.application);
  return app === undefined ? null : { url: app, from: 'app' };
}

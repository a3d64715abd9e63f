/** The phone number and the WABA as Graph shows them. A field that is listed with `undefined` exists and has no value. */
import type { MetaState } from '../meta-state.ts';
import { messagingTierOf, type PhoneNumber, type Waba } from '../settings.ts';
import type { Node } from './answers.ts';

const HIGH_THROUGHPUT = 80;

const healthOf = (entityType: string, id: string) => ({
  can_send_message: 'AVAILABLE',
  entities: [{ entity_type: entityType, id, can_send_message: 'AVAILABLE' }],
});

function webhooksOf({ settings }: MetaState, number: PhoneNumber): Record<string, string> {
  const waba = settings.wabas.get(number.wabaId);
  return {
    ...(number.overrideUrl ? { phone_number: number.overrideUrl } : {}),
    ...(waba?.overrideUrl ? { whatsapp_business_account: waba.overrideUrl } : {}),
    ...(settings.webhookUrl ? { application: settings.webhookUrl } : {}),
  };
}

export function numberNode(state: MetaState, number: PhoneNumber): Node {
  const fields = {
    id: number.id,
    verified_name: number.verifiedName,
    display_phone_number: number.displayNumber,
    quality_rating: number.qualityRating,
    quality_score: { score: number.qualityRating },
    code_verification_status: 'VERIFIED',
    platform_type: 'CLOUD_API',
    status: number.status,
    name_status: 'APPROVED',
    new_name_status: 'NONE',
    account_mode: 'LIVE',
    certificate: undefined,
    country_dial_code: undefined,
    host_platform: 'NOT_APPLICABLE',
    is_official_business_account: false,
    is_on_biz_app: number.coexistence,
    is_pin_enabled: true,
    is_preverified_number: false,
    last_onboarded_time: '2025-01-01T00:00:00+0000',
    search_visibility: undefined,
    username: undefined,
    messaging_limit_tier: messagingTierOf(state.settings, number.wabaId).tier,
    whatsapp_business_manager_messaging_limit: messagingTierOf(state.settings, number.wabaId).tier,
    throughput: { level: number.throughputPerSecond > HIGH_THROUGHPUT ? 'HIGH' : 'STANDARD' },
    health_status: healthOf('PHONE_NUMBER', number.id),
    webhook_configuration: webhooksOf(state, number),
    ...number.shows,
  };
  const usual = [
    'verified_name',
    'code_verification_status',
    'display_phone_number',
    'quality_rating',
    'platform_type',
    'throughput',
    'webhook_configuration',
    'id',
  ];
  return { type: 'WhatsAppBusinessPhoneNumber', fields, usual };
}

export function wabaNode({ settings }: MetaState, waba: Waba): Node {
  const fields = {
    id: waba.id,
    name: waba.name,
    timezone_id: '1',
    message_template_namespace: `namespace_of_${waba.id}`,
    account_review_status: 'APPROVED',
    business_verification_status: 'verified',
    country: 'US',
    currency: 'USD',
    health_status: healthOf('WABA', waba.id),
    is_enabled_for_insights: true,
    marketing_messages_lite_api_status: undefined,
    on_behalf_of_business_info: undefined,
    owner_business_info: undefined,
    ownership_type: 'SELF',
    primary_funding_id: undefined,
    purchase_order_number: undefined,
    status: 'ACTIVE',
    whatsapp_business_manager_messaging_limit: messagingTierOf(settings, waba.id).tier,
    ...waba.shows,
  };
  const usual = ['id', 'name', 'timezone_id', 'message_template_namespace'];
  return { type: 'WhatsAppBusinessAccount', fields, usual };
}

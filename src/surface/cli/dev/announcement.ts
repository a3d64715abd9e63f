/** What a person reads when everything runs: where to click, and who answers. */
import { type Addresses, serverUrlOf, webhookUrlOf } from './addresses.ts';

export interface AnnouncementInput {
  addresses: Addresses;
  env: Record<string, string | undefined>;
}

export function announcementOf({ addresses, env }: AnnouncementInput): string {
  const rows: [string, string][] = [
    ['Phone', addresses.simulatorUrl],
    ['Webhook', webhookUrlOf(addresses)],
    ['Metrics', metricsUrlOf(addresses, env)],
    ['Data', addresses.databasePath ?? 'in the database of DATABASE_URL'],
    ['Model', modelOf(env)],
  ];
  return [
    '',
    'Nightdesk is ready. Open the phone page and write to a business.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(9)}${value}`),
    '',
    'Ctrl-C stops everything. A change of nightdesk.config.ts, or of what it imports, restarts the server.',
    '',
  ].join('\n');
}

function metricsUrlOf(addresses: Addresses, env: AnnouncementInput['env']): string {
  const url = env.METRICS_PORT
    ? `http://${addresses.reachableHost}:${env.METRICS_PORT}/metrics`
    : `${serverUrlOf(addresses)}/metrics`;
  return env.METRICS_TOKEN ? `${url} (with METRICS_TOKEN as bearer)` : url;
}

function modelOf({
  ANTHROPIC_API_KEY,
  ANTHROPIC_BASE_URL,
  ASSISTANT_MODEL,
}: AnnouncementInput['env']): string {
  if (!ANTHROPIC_API_KEY) {
    return 'the built-in demo model; set ANTHROPIC_API_KEY to let Claude answer';
  }
  const which = ASSISTANT_MODEL ? ` (${ASSISTANT_MODEL})` : '';
  const where = ANTHROPIC_BASE_URL ? ` at ${ANTHROPIC_BASE_URL}` : '';
  return `Claude${which}${where}, with your ANTHROPIC_API_KEY`;
}

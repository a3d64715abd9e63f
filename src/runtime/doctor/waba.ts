/**
 * The part of the doctor that looks at a waba: whether the app of the token gets its webhooks, whether Meta has reviewed it,
 * and which of its templates do not leave. A waba without a subscribed app is the commonest reason why no message ever comes.
 */
import { textOf } from '#pipeline/graph/graph-error.ts';
import type { Finding } from './finding.ts';
import { type GraphReader, listOf, refusalOf, wordOf } from './graph.ts';

export interface WabaQuestion {
  graph: GraphReader;
  token: string;
  tenantId: string;
  wabaId: string;
  /** Of the token's app, where Graph has said it. */
  appId: string | null;
}

const templatesMax = 250;

export async function examineWaba(question: WabaQuestion): Promise<Finding[]> {
  const apps = await examineApps(question);
  // A waba that cannot be read answers nothing else either.
  if (apps.status === 'fail' && !apps.says.startsWith('No app')) return [apps];
  return [apps, ...(await examineReview(question)), ...(await examineTemplates(question))];
}

const pathOf = ({ wabaId }: WabaQuestion): string => encodeURIComponent(wabaId);
const checkOf = ({ wabaId, tenantId }: WabaQuestion): string => `waba ${wabaId} (${tenantId})`;

async function examineApps(question: WabaQuestion): Promise<Finding> {
  const { graph, token, wabaId, appId } = question;
  const check = checkOf(question);
  const answer = await graph.read(token, `${pathOf(question)}/subscribed_apps`);
  if (answer.kind === 'failed')
    return { check, status: 'fail', ...refusalOf(answer, 'Its subscribed apps cannot be read') };
  const apps = listOf(answer.json.data).map(({ whatsapp_business_api_data: app }) => {
    const { id, name } = (typeof app === 'object' && app !== null ? app : {}) as Record<string, unknown>;
    return { id: textOf(id) ?? '', name: textOf(name) ?? textOf(id) ?? 'an app' };
  });
  const subscribe = `Subscribe your app: POST /${wabaId}/subscribed_apps with the token of the tenant.`;
  if (apps.length === 0)
    return {
      check,
      status: 'fail',
      says: 'No app is subscribed to this waba, so Meta sends no webhook for it and no message ever comes in.',
      todo: subscribe,
    };
  const names = apps.map(({ name }) => name).join(', ');
  if (appId !== null && !apps.some(({ id }) => id === appId))
    return {
      check,
      status: 'fail',
      says: `Webhooks go to ${names}, and not to the app of the token (${appId}).`,
      todo: `${subscribe} Or, if the other app is the right one, make the token and set the secret of that app.`,
    };
  return { check, status: 'ok', says: `Webhooks go to ${names}.` };
}

async function examineReview(question: WabaQuestion): Promise<Finding[]> {
  const { graph, token } = question;
  const answer = await graph.read(token, pathOf(question), { fields: 'account_review_status' });
  const review = answer.kind === 'ok' ? wordOf(answer.json.account_review_status) : undefined;
  if (review === undefined || review === 'APPROVED') return [];
  return [
    {
      check: `review of ${checkOf(question)}`,
      status: review === 'REJECTED' ? 'fail' : 'warn',
      says: `Meta's review of this waba is ${review}: ${review === 'REJECTED' ? 'it cannot be used' : 'until it is approved, limits are low'}.`,
      todo: 'Look in Business Support Home what is asked for, and answer it there.',
    },
  ];
}

async function examineTemplates(question: WabaQuestion): Promise<Finding[]> {
  const { graph, token } = question;
  const answer = await graph.read(token, `${pathOf(question)}/message_templates`, {
    fields: 'name,language,status',
    limit: String(templatesMax),
  });
  if (answer.kind === 'failed') return [];
  const named = (status: string) =>
    listOf(answer.json.data)
      .filter((template) => wordOf(template.status) === status)
      .flatMap(({ name, language }) => {
        const words = [wordOf(name), wordOf(language)];
        return words[0] === undefined ? [] : [`${words[0]} (${words[1] ?? 'language not told'})`];
      });
  const check = `templates of ${checkOf(question)}`;
  return [
    ...templateFinding(check, named('PAUSED'), {
      says: 'paused for its quality, and is refused for 3 to 6 hours (error 132015)',
      todo: 'Wait, and change it or whom it is sent to: the third pause disables it for good.',
    }),
    ...templateFinding(check, named('DISABLED'), {
      says: 'disabled for good (error 132016)',
      todo: 'Make a new template, and take this one out of what sends it.',
    }),
    ...templateFinding(check, named('REJECTED'), {
      says: 'rejected, and cannot be sent (error 132001)',
      todo: 'Change it as WhatsApp Manager says, or ask for another review.',
    }),
  ];
}

const namesShownMax = 5;

function templateFinding(
  check: string,
  names: readonly string[],
  { says, todo }: { says: string; todo: string },
): Finding[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, namesShownMax).join(', ');
  const more = names.length > namesShownMax ? ` and ${names.length - namesShownMax} more` : '';
  return [{ check, status: 'warn', says: `Of the templates, ${shown}${more} is ${says}.`, todo }];
}

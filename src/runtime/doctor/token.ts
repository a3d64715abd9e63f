/**
 * The part of the doctor that looks at a tenant's token: is it valid and for how long, may it do what a bot needs, and is the
 * app secret of the same app. A token of the developer's page lives a day; whoever builds with it is surprised the next morning.
 */
import { createHmac } from 'node:crypto';
import { type Json, objectOf, textOf } from '#pipeline/graph/graph-error.ts';
import type { Finding } from './finding.ts';
import { type GraphReader, listOf, refusalOf, wordsOf } from './graph.ts';

const needed = ['whatsapp_business_messaging', 'whatsapp_business_management'] as const;
const dayMs = 86_400_000;
const soonMs = 14 * dayMs;

export interface TokenQuestion {
  check: string;
  graph: GraphReader;
  token: string;
  wabaIds: readonly string[];
  appSecrets: readonly string[];
  nowMs: number;
}

export interface TokenFacts {
  findings: Finding[];
  /** Of the token's app; null where Graph did not say. */
  appId: string | null;
}

export async function examineToken(question: TokenQuestion): Promise<TokenFacts> {
  const { check, graph, token } = question;
  const answer = await graph.read(token, 'debug_token', { input_token: token });
  if (answer.kind === 'failed') {
    const isToken = answer.code === 190 || answer.code === 0;
    const refusal = refusalOf(answer, 'The token could not be examined');
    return { findings: [{ check, status: isToken ? 'fail' : 'warn', ...refusal }], appId: null };
  }
  const data = objectOf(answer.json.data) ?? {};
  const appId = textOf(data.app_id) ?? null;
  const findings = [validityOf(question, data)];
  if (data.is_valid === true) {
    findings.push(permissionsOf(question, data));
    if (question.appSecrets.length > 0) findings.push(await examineSecret(question));
  }
  return { findings, appId: appId !== null && /^\d{1,32}$/.test(appId) ? appId : null };
}

const anew =
  'Make a token that never expires: Business Settings > Users > System users > Generate token, with whatsapp_business_messaging and whatsapp_business_management; then apply the tenant with it.';

function validityOf({ check, nowMs }: TokenQuestion, data: Json): Finding {
  const expiresAtMs = Number(data.expires_at ?? 0) * 1_000;
  if (data.is_valid !== true)
    return {
      check,
      status: 'fail',
      says:
        expiresAtMs > 0 && expiresAtMs <= nowMs
          ? `The token expired on ${dayOf(expiresAtMs)}; nothing can leave, and its sends wait.`
          : 'The token is not valid (it was taken back, or a password or role changed); nothing can leave, and its sends wait.',
      todo: anew,
    };
  if (!(expiresAtMs > 0)) return { check, status: 'ok', says: 'The token is valid and does not expire.' };
  const leftMs = expiresAtMs - nowMs;
  const left =
    leftMs < 2 * dayMs ? `${Math.round(leftMs / 3_600_000)} hours` : `${Math.round(leftMs / dayMs)} days`;
  const says = `The token is valid for another ${left}, until ${dayOf(expiresAtMs)}.`;
  return leftMs < soonMs
    ? { check, status: 'warn', says: `${says} After that nothing leaves.`, todo: anew }
    : { check, status: 'ok', says };
}

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

function permissionsOf({ check: whose, wabaIds }: TokenQuestion, data: Json): Finding {
  const check = whose.replace(/^token/, 'permissions');
  const scopes = wordsOf(data.scopes);
  const missing = needed.filter((name) => !scopes.includes(name));
  if (missing.length > 0)
    return {
      check,
      status: 'fail',
      says: `The token lacks ${missing.join(' and ')}: ${missing.includes(needed[0]) ? 'nothing can be sent with it' : 'numbers and subscriptions cannot be read with it'}.`,
      todo: 'Generate the system user token again and tick both permissions.',
    };
  const granted = new Map(
    listOf(data.granular_scopes).map(({ scope, target_ids }) => [scope, target_ids] as const),
  );
  const outside = wabaIds.filter((wabaId) => {
    const targets = granted.get(needed[0]);
    return Array.isArray(targets) && !targets.includes(wabaId);
  });
  if (outside.length > 0)
    return {
      check,
      status: 'fail',
      says: `The token was given for other WhatsApp businesses than ${outside.join(', ')}.`,
      todo: 'Give the system user that WhatsApp business as an asset with full control, and generate its token again.',
    };
  return { check, status: 'ok', says: `The token has ${needed.join(' and ')}.` };
}

/** Graph compares a proof that is made with the secret of the token's app; so the secret is tried without being sent. */
async function examineSecret({ check: whose, graph, token, appSecrets }: TokenQuestion): Promise<Finding> {
  const check = whose.replace(/^token/, 'app of the token');
  const answers = await Promise.all(
    appSecrets.map((secret) =>
      graph.read(token, 'app', {
        appsecret_proof: createHmac('sha256', secret).update(token).digest('hex'),
      }),
    ),
  );
  if (answers.some(({ kind }) => kind === 'ok'))
    return { check, status: 'ok', says: 'The app secret belongs to the app of the token.' };
  if (answers.every((answer) => answer.kind === 'failed' && (answer.code === 100 || answer.code === 104)))
    return {
      check,
      status: 'fail',
      says: 'The app secret is not that of the app which the token was made for. If webhooks come from the app of the token, every one of them is answered 401.',
      todo: 'Copy the secret from App Dashboard > App settings > Basic of the app that has the webhook, and make the token for that same app.',
    };
  return {
    check,
    status: 'warn',
    says: 'Whether the app secret belongs to the app of the token could not be found out.',
    todo: 'Run the doctor again.',
  };
}

/**
 * The part of the doctor that goes the way of Meta's webhooks: the address that Meta has for a number, whether Meta could reach
 * it at all, its certificate, and the handshake that Meta makes when the address is saved.
 */
import type { Tenant } from '#core/ports/tenants.ts';
import { HttpFault } from '#core/ports/world.ts';
import { certificateOf } from '../world/certificate.ts';
import type { Finding, Patient } from './finding.ts';
import type { NumberFacts } from './number.ts';

export type WebhookAddress = NonNullable<NumberFacts['webhook']>;

const dayMs = 86_400_000;
const certificateSoonMs = 14 * dayMs;
const pathOfServer = '/webhooks/whatsapp';

export interface WebhookQuestion {
  patient: Patient;
  tenant: Tenant;
  address: WebhookAddress;
  timeoutMs: number;
}

export async function examineWebhook(question: WebhookQuestion): Promise<Finding[]> {
  const { address, tenant } = question;
  const check = `webhook of ${tenant.tenantId}`;
  const url = URL.parse(address.url);
  if (url === null)
    return [
      {
        check,
        status: 'fail',
        says: 'Meta has an address for the webhooks that is no URL.',
        todo: 'Set it again: App Dashboard > WhatsApp > Configuration.',
      },
    ];
  const place = placeOf(check, url, question);
  const handshake = await shakeHands(check, url, question);
  const certificate = url.protocol === 'https:' ? await examineCertificate(check, url, question) : [];
  // That one whom nobody believes lasts for long is no good news.
  const worthTelling = certificate.filter(({ status }) => status !== 'ok' || handshake.status === 'ok');
  return [...place, handshake, ...worthTelling];
}

/** Without user, password and query, which may be secret. */
const shown = ({ protocol, host, pathname }: URL): string => `${protocol}//${host}${pathname}`;

function placeOf(check: string, url: URL, { address, tenant, patient }: WebhookQuestion): Finding[] {
  const findings: Finding[] = [];
  const isMetas = /(^|\.)facebook\.com$/.test(URL.parse(patient.config.graph.baseUrl)?.hostname ?? '');
  if (url.protocol !== 'https:' || isPrivate(url.hostname))
    findings.push({
      check: `address of ${check}`,
      // A look-alike on this machine reaches what Meta does not.
      status: isMetas ? 'fail' : 'warn',
      says: `Meta has the address ${shown(url)}, which it cannot reach: ${url.protocol === 'https:' ? 'the host is not public' : 'it must begin with https'}.`,
      todo: 'Put a public https address in front of the server (a reverse proxy, or a tunnel while you try it), and save that as callback URL: App Dashboard > WhatsApp > Configuration.',
    });
  if (address.from !== 'app')
    findings.push({
      check: `address of ${check}`,
      status: 'warn',
      says: `An override of the ${address.from === 'waba' ? 'waba' : 'number'} sends messages to ${shown(url)}; what the App Dashboard shows does not count for them.`,
      todo: `If that is not wanted, take it away: ${address.from === 'waba' ? 'POST /WABA_ID/subscribed_apps without a body' : 'POST /PHONE_NUMBER_ID with {"webhook_configuration":{"override_callback_uri":""}}'}.`,
    });
  const path = url.pathname.replace(/\/+$/, '');
  if (path !== pathOfServer && path !== `${pathOfServer}/${tenant.tenantId}`)
    findings.push({
      check: `address of ${check}`,
      status: 'warn',
      says: `Meta has the address ${shown(url)}; this server listens on ${pathOfServer}.`,
      todo: `If no proxy changes the path, end the callback URL with ${pathOfServer}.`,
    });
  return findings;
}

/** Names and addresses that mean something only in a house. */
function isPrivate(hostname: string): boolean {
  return (
    /^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|\[(::1|fe80|f[cd]))/i.test(
      hostname,
    ) || /\.(local|localhost|internal|lan|home)$/i.test(hostname)
  );
}

const callback = 'App Dashboard > WhatsApp > Configuration';

async function shakeHands(check: string, url: URL, question: WebhookQuestion): Promise<Finding> {
  const { patient, tenant, timeoutMs } = question;
  const { config, world } = patient;
  const isOwn = url.pathname.replace(/\/+$/, '').endsWith(`/${tenant.tenantId}`);
  const verifyToken = isOwn ? (tenant.verifyToken ?? config.verifyTokens[0]) : config.verifyTokens[0];
  if (verifyToken === undefined)
    return {
      check,
      status: 'warn',
      says: `The handshake with ${shown(url)} could not be tried, because there is no verify token for it.`,
      todo: 'Set WHATSAPP_VERIFY_TOKEN to the word that stands in the App Dashboard.',
    };
  const challenge = String(Math.floor(world.random() * 1e9));
  const asked = new URL(url);
  asked.searchParams.set('hub.mode', 'subscribe');
  asked.searchParams.set('hub.challenge', challenge);
  asked.searchParams.set('hub.verify_token', verifyToken);
  try {
    const { status, body } = await world.http.request({
      purpose: 'doctor',
      method: 'GET',
      url: asked.href,
      headers: {},
      timeoutMs,
    });
    if (status === 200 && body.trim() === challenge)
      return { check, status: 'ok', says: `${shown(url)} answers Meta's handshake.` };
    return { check, status: 'fail', ...wrongAnswer(status, shown(url)) };
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    return { check, ...noAnswer(error.code, shown(url)) };
  }
}

function wrongAnswer(status: number, place: string): Pick<Finding, 'says' | 'todo'> {
  if (status === 403)
    return {
      says: `${place} refuses the handshake (403): it has another verify token.`,
      todo: `Make WHATSAPP_VERIFY_TOKEN of the server and the verify token in ${callback} the same word.`,
    };
  if (status === 404)
    return {
      says: `${place} answers 404: the path is wrong, or a proxy leads elsewhere.`,
      todo: `End the callback URL with ${pathOfServer}, and let the proxy hand on the whole path.`,
    };
  if (status >= 502 && status <= 504)
    return {
      says: `${place} answers ${status}: the proxy or tunnel is there and does not find the server behind it.`,
      todo: 'Start the server, and let the proxy or tunnel lead to its HOST and PORT.',
    };
  return {
    says: `${place} answers the handshake with ${status} and not with the challenge: another program may be there.`,
    todo: 'Let the address lead to this server; a page that a tunnel shows first must be switched off.',
  };
}

/** OpenSSL's words for a certificate that nobody would believe. */
const certificateFault = /CERT|SELF_SIGNED|ISSUER|ALTNAME|TLS/;
/** Its words for an answer that is no greeting of TLS. */
const notTlsFault = /^EPROTO$|^ERR_SSL_/;

function noAnswer(code: string, place: string): Pick<Finding, 'status' | 'says' | 'todo'> {
  if (notTlsFault.test(code))
    return {
      status: 'fail',
      says: `${place} speaks no TLS (${code}): Meta cannot reach it by https.`,
      todo: 'Let a proxy or tunnel with a certificate take the https address; this server itself speaks plain HTTP behind it.',
    };
  if (code === 'CERT_HAS_EXPIRED')
    return {
      status: 'fail',
      says: `${place} has a certificate that has expired (${code}): Meta refuses it.`,
      todo: 'Renew it, and look why that did not happen by itself.',
    };
  if (certificateFault.test(code))
    return {
      status: 'fail',
      says: `${place} has a certificate that is not believed (${code}): Meta refuses it.`,
      todo: 'Use a certificate of a public authority, with its whole chain and for this very name, e.g. of Let’s Encrypt.',
    };
  return {
    status: 'fail',
    says: `${place} does not answer (${code}) when it is asked from this machine.`,
    todo: `Start the server and the tunnel; a tunnel that was started again may have another name, which then has to be saved in ${callback}. If it can be reached from elsewhere, this machine's network is the reason.`,
  };
}

async function examineCertificate(
  check: string,
  url: URL,
  { patient, timeoutMs }: WebhookQuestion,
): Promise<Finding[]> {
  const found = await certificateOf({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
    timeoutMs,
    timers: patient.world.timers,
  });
  if (found === null) return [];
  return [certificateFinding(`certificate of ${check}`, found.validToMs, patient.world.clock.nowMs())];
}

export function certificateFinding(check: string, validToMs: number, nowMs: number): Finding {
  const day = new Date(validToMs).toISOString().slice(0, 10);
  if (validToMs <= nowMs)
    return {
      check,
      status: 'fail',
      says: `The certificate expired on ${day}: Meta refuses the address, and messages wait there for up to seven days.`,
      todo: 'Renew it.',
    };
  if (validToMs - nowMs < certificateSoonMs)
    return {
      check,
      status: 'warn',
      says: `The certificate expires on ${day}; from then on no message comes in.`,
      todo: 'Renew it, and look why that did not happen by itself.',
    };
  return { check, status: 'ok', says: `The certificate is valid until ${day}.` };
}

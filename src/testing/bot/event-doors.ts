/**
 * The doors of the business' own systems at a bot in a virtual world, `http://bot.test/events` and `/events/stripe/...`:
 * what a payment provider, or a test itself, posts there by `world.http`. While the bot is down nobody answers.
 */
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import type { EventAnswer, Nightdesk } from '#runtime/nightdesk.ts';
import type { VirtualAnswer, VirtualProcess, VirtualWorld } from '../virtual-world.ts';

export const botUrl = 'http://bot.test';
const stripePath = /^\/events\/stripe\/([^/]+)$/;
const unknown: EventAnswer = { status: 404, body: null };

export interface EventDoorsOptions {
  world: VirtualWorld;
  /** Null while the bot is down. */
  running: () => { process: VirtualProcess; nightdesk: Nightdesk } | null;
}

export function openEventDoors({ world, running }: EventDoorsOptions): void {
  world.serve(botUrl, (request): VirtualAnswer => {
    const bot = running();
    if (bot === null || bot.nightdesk.readiness() === 'starting')
      return { kind: 'notSent', code: 'ECONNREFUSED', delayMs: 0 };
    const response = new Promise<HttpResponse>((resolve, reject) => {
      answerOf(bot.nightdesk, request).then((answer) => {
        // Code of a dead process may run to its end, but nothing of it leaves any more.
        if (bot.process.isAlive) resolve(responseOf(answer));
      }, reject);
    });
    return { kind: 'later', response, delayMs: 0 };
  });
}

async function answerOf({ events }: Nightdesk, { method, url, headers, body = '' }: HttpRequest) {
  const { pathname } = new URL(url);
  const rawBody = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const header = (name: string): string | undefined =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  if (method !== 'POST') return unknown;
  const tenantId = stripePath.exec(pathname)?.[1];
  if (tenantId !== undefined)
    return events.receiveStripe({ tenantId, signature: header('stripe-signature'), rawBody });
  if (pathname !== '/events') return unknown;
  const caller = await events.callerOf(header('authorization'));
  if ('status' in caller) return caller;
  return events.receive({ caller, idempotencyKey: header('idempotency-key'), rawBody });
}

function responseOf({ status, body, retryAfterSeconds }: EventAnswer): HttpResponse {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return { status, headers, body: body === null ? '' : JSON.stringify(body) };
}

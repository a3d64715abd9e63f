/**
 * Meta's verification of a webhook URL: a GET with hub.mode, hub.challenge and hub.verify_token, good only when it is
 * answered 200 with exactly the challenge.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint.
 */
import type { Agenda } from '../agenda.ts';
import type { Random } from '../draw.ts';
import { drawChars } from '../draw.ts';
import type { EventLog } from '../events-log.ts';

export interface HandshakeRequest {
  readonly kind: 'handshake';
  readonly handshakeId: string;
  /** The webhook URL with hub.mode, hub.challenge and hub.verify_token in its query. */
  readonly url: string;
}

export interface HandshakeResult {
  readonly ok: boolean;
  readonly url: string;
  readonly httpStatus: number | null;
  readonly reason: string;
}

export type HandshakeEnd = { readonly status: number; readonly body: string } | { readonly failed: true };

export interface HandshakesOptions {
  readonly random: Random;
  readonly agenda: Agenda;
  readonly log: EventLog;
  readonly emit: (request: HandshakeRequest) => void;
}

function reasonOf(httpStatus: number | null): string {
  if (httpStatus === null) return 'No answer: is the receiver running at this URL?';
  if (httpStatus === 200) return 'Answered 200, but the body was not exactly the challenge.';
  return `Answered ${httpStatus}: does the receiver know this verify token?`;
}

interface OpenHandshake {
  readonly url: string;
  readonly challenge: string;
  readonly done: (result: HandshakeResult, nowMs: number) => void;
}

export interface Handshakes {
  start(url: string, verifyToken: string, nowMs: number, done: OpenHandshake['done']): void;
  answered(handshakeId: string, end: HandshakeEnd, nowMs: number): void;
}

export function createHandshakes(options: HandshakesOptions): Handshakes {
  const { random, agenda, log, emit } = options;
  const open = new Map<string, OpenHandshake>();
  let counter = 0;
  return {
    start(url, verifyToken, nowMs, done) {
      counter += 1;
      const handshakeId = `handshake_${counter}`;
      const challenge = drawChars(random, '123456789', 10);
      open.set(handshakeId, { url, challenge, done });
      const target = new URL(url);
      target.searchParams.set('hub.mode', 'subscribe');
      target.searchParams.set('hub.challenge', challenge);
      target.searchParams.set('hub.verify_token', verifyToken);
      agenda.at(nowMs, () => emit({ kind: 'handshake', handshakeId, url: target.href }));
    },
    answered(handshakeId, end, nowMs) {
      const handshake = open.get(handshakeId);
      if (!handshake) return;
      open.delete(handshakeId);
      const { url, challenge } = handshake;
      const httpStatus = 'status' in end ? end.status : null;
      const ok = 'status' in end && end.status === 200 && end.body === challenge;
      const reason = ok ? 'The challenge came back with 200.' : reasonOf(httpStatus);
      log.add('handshake', nowMs, { url, ok, httpStatus, reason });
      handshake.done({ ok, url, httpStatus, reason }, nowMs);
    },
  };
}

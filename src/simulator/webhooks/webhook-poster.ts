/**
 * Posting webhooks for real: node:http with keep-alive sockets, a bounded number at a time, the rest in a queue in order.
 * An attempt without an answer in time is destroyed and counts as failed, as at Meta.
 */
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { WebhookAttempt, WebhookEnd } from './deliveries.ts';
import type { HandshakeEnd } from './handshakes.ts';

export type SetTimer = (delayMs: number, fn: () => void) => () => void;

export interface WebhookPoster {
  post(attempt: WebhookAttempt, done: (end: WebhookEnd) => void): void;
  get(url: string, done: (end: HandshakeEnd) => void): void;
  close(): void;
}

export interface WebhookPosterOptions {
  readonly setTimer: SetTimer;
  readonly concurrencyMax: number;
  readonly timeoutMs: number;
  /** Replaces the POST over HTTP. */
  readonly deliver?: (attempt: WebhookAttempt) => Promise<WebhookEnd>;
}

const HANDSHAKE_BODY_MAX = 10_000;

type HttpEnd = { readonly status: number; readonly body: string } | { readonly failed: true };
type HttpCall = (
  url: string,
  init: http.RequestOptions,
  body: Uint8Array | null,
  done: (end: HttpEnd) => void,
) => void;

/** One request, one end: the answer, or failed on any error, a broken answer, or no answer in time. */
function createHttpCall(options: WebhookPosterOptions): { call: HttpCall; close(): void } {
  const { setTimer, concurrencyMax, timeoutMs } = options;
  const plain = new http.Agent({ keepAlive: true, maxSockets: concurrencyMax, scheduling: 'lifo' });
  const secure = new https.Agent({ keepAlive: true, maxSockets: concurrencyMax, scheduling: 'lifo' });
  // Nearly all go to one URL, and reading it takes as long as half a request.
  let lastUrl = '';
  let lastTarget: http.RequestOptions = {};
  const targetOf = (url: string): http.RequestOptions => {
    if (url !== lastUrl) {
      lastTarget = urlToHttpOptions(new URL(url));
      lastUrl = url;
    }
    return lastTarget;
  };
  const call: HttpCall = (url, init, body, done) => {
    let isDone = false;
    const finish = (end: HttpEnd): void => {
      if (isDone) return;
      isDone = true;
      cancelTimer();
      done(end);
    };
    const isSecure = url.startsWith('https:');
    const agent = isSecure ? secure : plain;
    const outgoing = (isSecure ? https : http).request({ ...targetOf(url), ...init, agent });
    const cancelTimer = setTimer(timeoutMs, () => {
      outgoing.destroy();
      finish({ failed: true });
    });
    outgoing.on('error', () => finish({ failed: true }));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        if (text.length < HANDSHAKE_BODY_MAX) text += chunk;
      });
      incoming.on('end', () => finish({ status: incoming.statusCode ?? 0, body: text }));
      incoming.on('error', () => finish({ failed: true }));
      incoming.on('close', () => finish({ failed: true }));
    });
    outgoing.end(body ?? undefined);
  };
  return {
    call,
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

export function createWebhookPoster(options: WebhookPosterOptions): WebhookPoster {
  const { concurrencyMax, deliver } = options;
  const http1 = createHttpCall(options);
  const queue: Array<{ attempt: WebhookAttempt; done: (end: WebhookEnd) => void }> = [];
  let queueHead = 0;
  let inFlight = 0;
  let isClosed = false;

  const overHttp = (attempt: WebhookAttempt): Promise<WebhookEnd> =>
    new Promise((resolve) => {
      const headers = { ...attempt.headers, 'content-length': String(attempt.body.length) };
      http1.call(attempt.url, { method: 'POST', headers }, attempt.body, resolve);
    });

  const next = (): void => {
    while (!isClosed && inFlight < concurrencyMax && queueHead < queue.length) {
      const { attempt, done } = queue[queueHead]!;
      queueHead += 1;
      if (queueHead > 1_000 && queueHead * 2 > queue.length) {
        queue.splice(0, queueHead);
        queueHead = 0;
      }
      inFlight += 1;
      const finish = (end: WebhookEnd): void => {
        inFlight -= 1;
        if (isClosed) return;
        done(end);
        next();
      };
      (deliver ?? overHttp)(attempt).then(finish, () => finish({ failed: true }));
    }
  };

  return {
    post(attempt, done) {
      queue.push({ attempt, done });
      next();
    },
    get: (url, done) => http1.call(url, { method: 'GET' }, null, done),
    close() {
      isClosed = true;
      queue.length = 0;
      queueHead = 0;
      http1.close();
    },
  };
}

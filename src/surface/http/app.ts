/**
 * An HTTP server that is open to everybody: how long a client may take, how many may come and how much they may send, the
 * same for each port. What is not there and what fails is answered by its status alone: an address may hold a token, an
 * error a customer's words.
 */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';
import type { Log } from '#core/ports/world.ts';
import { takeBodies } from './bodies.ts';

/** How often connections are looked through for late ones. */
const lateCheckEveryMs = 1_000;

export interface AppOptions {
  log: Log;
  /** Told of each answer that was given in the place of a handler's. */
  onRefused?: (request: FastifyRequest, status: number) => void;
}

export function createApp({ log, onRefused }: AppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: limits.webhookBodyBytesMax,
    requestTimeout: limits.httpRequestTimeoutMs,
    connectionTimeout: limits.httpRequestTimeoutMs * 2,
    keepAliveTimeout: limits.httpIdleTimeoutMs,
    forceCloseConnections: true,
    http: {
      headersTimeout: limits.httpHeadersTimeoutMs,
      requestTimeout: limits.httpRequestTimeoutMs,
      connectionsCheckingInterval: lateCheckEveryMs,
    },
    frameworkErrors: (error, request, reply) => {
      refuse(error, request as FastifyRequest, reply as FastifyReply);
    },
  });
  app.server.maxConnections = limits.httpConnectionsMax;
  takeBodies(app);
  // Before the body is read: where there is no door, nobody waits for one.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) reply.code(404).send();
    else done();
  });
  app.setErrorHandler(refuse);

  function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { statusCode } = error as { statusCode?: unknown };
    const status = typeof statusCode === 'number' && statusCode >= 400 ? statusCode : 500;
    if (status === 500) log.error({ err: error }, 'A request could not be answered.');
    if (status === 503) reply.header('retry-after', retryAfterSeconds());
    onRefused?.(request, status);
    reply.code(status).send();
  }
  return app;
}

/** What a 503 tells Meta to wait. */
export function retryAfterSeconds(): number {
  return Math.ceil(limits.retryAfterMs / 1_000);
}

/** Answers 405 to every method of `path` that has no route yet. */
export function refuseOtherMethods(app: FastifyInstance, path: string, allowed: readonly string[]): void {
  const known = new Set(allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed);
  const allow = [...known].join(', ');
  const refused = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply.code(405).header('allow', allow).send();
  app.route({
    method: app.supportedMethods.filter((method) => !known.has(method)),
    url: path,
    onRequest: refused,
    handler: refused,
  });
}

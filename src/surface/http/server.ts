/**
 * The public door: webhooks, health and metrics. It knows HTTP and nothing else; what a body means is the webhook
 * station's affair. Bodies are taken as bytes, since the signature is over bytes.
 */
import { timingSafeEqual } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';
import { noCrashPoints } from '#core/ports/crash-points.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';

export interface HttpSurface {
  readonly port: number;
  readonly host: string;
  /** Webhooks get 503 from now on; health still answers. */
  drain(): void;
  close(): Promise<void>;
}

export interface HttpSurfaceOptions {
  nightdesk: Nightdesk;
  host: string;
  port: number;
}

/** @throws the system's error (EADDRINUSE, EACCES) where the port cannot be had. */
export async function startHttpSurface({ nightdesk, host, port }: HttpSurfaceOptions): Promise<HttpSurface> {
  const app = Fastify({
    bodyLimit: limits.webhookBodyBytesMax,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  let draining = false;
  webhookRoutes(app, nightdesk, () => draining);
  healthRoutes(app, nightdesk, () => draining);
  const { metrics } = nightdesk.config;
  if (metrics.port === undefined) metricsRoute(app, nightdesk);
  await app.listen({ host, port });
  const separate = metrics.port === undefined ? null : await startMetrics(nightdesk, host, metrics.port);
  const address = app.server.address();
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    drain: () => {
      draining = true;
    },
    close: async () => {
      await app.close();
      await separate?.close();
    },
  };
}

function webhookRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  const { crashPoints = noCrashPoints } = nightdesk.world;
  const written = () => crashPoints.reach('webhookAnswer.afterWrite');
  const tenantOf = (request: FastifyRequest) => (request.params as { tenantId?: string }).tenantId;
  const handshake = async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = nightdesk.webhook.handshake(request.query as Record<string, unknown>, tenantOf(request));
    return reply
      .code(answer.status)
      .type('text/plain')
      .header('x-content-type-options', 'nosniff')
      .send(answer.body);
  };
  const receive = async (request: FastifyRequest, reply: FastifyReply) => {
    if (isDraining())
      return reply
        .code(503)
        .header('retry-after', Math.ceil(limits.retryAfterMs / 1_000))
        .send();
    const signature = request.headers['x-hub-signature-256'];
    const tenantId = tenantOf(request);
    const answer = await nightdesk.webhook.receive({
      rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      signature: typeof signature === 'string' ? signature : undefined,
      ...(tenantId === undefined ? {} : { tenantId }),
    });
    if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds);
    crashPoints.reach('webhookAnswer.beforeWrite');
    reply.raw.once('finish', written);
    return reply.code(answer.status).send();
  };
  for (const path of ['/webhooks/whatsapp', '/webhooks/whatsapp/:tenantId']) {
    app.get(path, handshake);
    app.post(path, receive);
  }
}

function healthRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const ready = nightdesk.isReady() && !isDraining();
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : isDraining() ? 'stopping' : 'starting' });
  });
}

function metricsRoute(app: FastifyInstance, nightdesk: Nightdesk): void {
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(nightdesk, request)) return reply.code(403).send();
    return reply.type(nightdesk.metrics.contentType).send(await nightdesk.metrics.text());
  });
}

/** With a token the token decides; with a port of its own the network does; else only this machine may read. */
function mayRead(nightdesk: Nightdesk, request: FastifyRequest): boolean {
  const { token, port } = nightdesk.config.metrics;
  if (token !== undefined) {
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
  if (port !== undefined) return true;
  const proxied = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
  return !proxied && ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(request.socket.remoteAddress ?? '');
}

async function startMetrics(nightdesk: Nightdesk, host: string, port: number): Promise<FastifyInstance> {
  const app = Fastify();
  metricsRoute(app, nightdesk);
  await app.listen({ host, port });
  return app;
}

/**
 * The public door: webhooks, events of the business, health and metrics. It knows HTTP and nothing else; what a body means is the webhook
 * station's affair. Bodies are taken as bytes, since the signature is over bytes.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Nightdesk } from '#runtime/nightdesk.ts';
import { createApp, refuseOtherMethods, retryAfterSeconds } from './app.ts';
import { eventRoutes } from './events.ts';
import { boardRoutes } from './queue-board.ts';
import { isSame } from './secrets.ts';
import { wakeRoutes } from './wakes.ts';

const webhookPath = '/webhooks/whatsapp';

export interface HttpSurface {
  readonly port: number;
  readonly host: string;
  /** `/readyz` fails from now on, so that nothing new is sent here; what comes is still taken. */
  leave(): void;
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
  const app = createApp({
    log: nightdesk.world.log,
    onRefused: (request, status) => {
      if (request.routeOptions.url?.startsWith(webhookPath)) countRefused(nightdesk, status);
    },
  });
  let leaving = false;
  let draining = false;
  webhookRoutes(app, nightdesk, () => draining);
  eventRoutes(app, nightdesk, () => draining);
  wakeRoutes(app, nightdesk, () => draining);
  healthRoutes(app, nightdesk, () => leaving);
  const { metrics } = nightdesk.config;
  if (metrics.port === undefined) metricsRoute(app, nightdesk);
  boardRoutes(app, nightdesk);
  await app.listen({ host, port });
  const separate = await startMetrics(nightdesk, host).catch(async (error) => {
    await app.close();
    throw error;
  });
  const address = app.server.address();
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    leave: () => {
      leaving = true;
    },
    drain: () => {
      leaving = true;
      draining = true;
    },
    close: async () => {
      await app.close();
      await separate?.close();
    },
  };
}

/** The webhook station counts what comes to it; this counts what does not. */
function countRefused(nightdesk: Nightdesk, status: number): void {
  nightdesk.metrics.count('nightdesk_webhook_acks_total', { status });
}

function webhookRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  const { crashPoints } = nightdesk.world;
  const tenantOf = (request: FastifyRequest) => (request.params as { tenantId?: string }).tenantId;
  const handshake = async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = nightdesk.webhook.handshake(request.query as Record<string, unknown>, tenantOf(request));
    return reply
      .code(answer.status)
      .type('text/plain; charset=utf-8')
      .header('x-content-type-options', 'nosniff')
      .send(answer.body);
  };
  const receive = async (request: FastifyRequest, reply: FastifyReply) => {
    if (isDraining()) {
      countRefused(nightdesk, 503);
      return reply.code(503).header('retry-after', retryAfterSeconds()).send();
    }
    const signature = request.headers['x-hub-signature-256'];
    const tenantId = tenantOf(request);
    const answer = await nightdesk.webhook.receive({
      rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      signature: typeof signature === 'string' ? signature : undefined,
      ...(tenantId === undefined ? {} : { tenantId }),
    });
    if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds);
    if (crashPoints !== undefined) {
      crashPoints.reach('webhookAnswer.beforeWrite');
      reply.raw.once('finish', () => crashPoints.reach('webhookAnswer.afterWrite'));
    }
    return reply.code(answer.status).send();
  };
  for (const path of [webhookPath, `${webhookPath}/:tenantId`]) {
    app.get(path, handshake);
    app.post(path, receive);
    refuseOtherMethods(app, path, ['GET', 'POST']);
  }
}

function healthRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  app.get('/healthz', async () => {
    const wake = nightdesk.wake.health?.().state;
    return { status: 'ok', ...(wake === undefined ? {} : { wake }) };
  });
  app.get('/readyz', async (_request, reply) => {
    const status = isDraining() ? 'stopping' : nightdesk.readiness();
    return reply.code(status === 'ready' ? 200 : 503).send({ status });
  });
  for (const path of ['/healthz', '/readyz']) refuseOtherMethods(app, path, ['GET']);
}

function metricsRoute(app: FastifyInstance, nightdesk: Nightdesk): void {
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(nightdesk, request)) return reply.code(403).send();
    return reply.type(nightdesk.metrics.contentType).send(await nightdesk.metrics.text());
  });
  refuseOtherMethods(app, '/metrics', ['GET']);
}

/** With a token the token decides; with a port of its own the network does; else only this machine may read. */
function mayRead(nightdesk: Nightdesk, request: FastifyRequest): boolean {
  const { token, port } = nightdesk.config.metrics;
  if (token !== undefined) {
    return isSame(request.headers.authorization ?? '', `Bearer ${token}`);
  }
  if (port !== undefined) return true;
  const proxied = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
  return !proxied && ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(request.socket.remoteAddress ?? '');
}

/** Null where the metrics have no port of their own. */
async function startMetrics(nightdesk: Nightdesk, host: string): Promise<FastifyInstance | null> {
  const { port } = nightdesk.config.metrics;
  if (port === undefined) return null;
  const app = createApp({ log: nightdesk.world.log });
  metricsRoute(app, nightdesk);
  await app.listen({ host, port });
  return app;
}

/**
 * The doors of the business' own systems: one for those with a key, and one for Stripe, which signs. Whether a key opens
 * is asked before the body is read. What a request means is the events station's affair.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';
import { noCrashPoints } from '#core/ports/crash-points.ts';
import type { Caller, EventAnswer, Nightdesk } from '#runtime/nightdesk.ts';
import { refuseOtherMethods, retryAfterSeconds } from './app.ts';

export const eventsPath = '/events';
const stripePath = '/events/stripe/:tenantId';

export function eventRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  const { crashPoints = noCrashPoints } = nightdesk.world;
  const written = () => crashPoints.reach('eventAnswer.afterWrite');
  const callers = new WeakMap<FastifyRequest, Caller>();

  const answer = (reply: FastifyReply, { status, body, retryAfterSeconds: seconds }: EventAnswer) => {
    if (seconds !== undefined) reply.header('retry-after', seconds);
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    if (status === 200 || status === 202) {
      crashPoints.reach('eventAnswer.beforeWrite');
      reply.raw.once('finish', written);
    }
    return body === null ? reply.code(status).send() : reply.code(status).send(body);
  };
  const turnedAway = (reply: FastifyReply) =>
    reply.code(503).header('retry-after', retryAfterSeconds()).send();

  app.post(
    eventsPath,
    {
      bodyLimit: limits.businessEventBytesMax,
      onRequest: async (request, reply) => {
        if (isDraining()) return turnedAway(reply);
        const caller = await nightdesk.events.callerOf(request.headers.authorization);
        if ('status' in caller) return answer(reply, caller);
        callers.set(request, caller);
      },
    },
    async (request, reply) => {
      const caller = callers.get(request);
      if (caller === undefined) throw new Error('A request reached its handler without a caller.');
      const idempotencyKey = headerOf(request, 'idempotency-key');
      const rawBody = bodyOf(request);
      return answer(reply, await nightdesk.events.receive({ caller, idempotencyKey, rawBody }));
    },
  );
  app.post(stripePath, { bodyLimit: limits.paymentEventBytesMax }, async (request, reply) => {
    if (isDraining()) return turnedAway(reply);
    const { tenantId } = request.params as { tenantId: string };
    const signature = headerOf(request, 'stripe-signature');
    return answer(
      reply,
      await nightdesk.events.receiveStripe({ tenantId, signature, rawBody: bodyOf(request) }),
    );
  });
  for (const path of [eventsPath, stripePath]) refuseOtherMethods(app, path, ['POST']);
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function bodyOf({ body }: FastifyRequest): Uint8Array {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

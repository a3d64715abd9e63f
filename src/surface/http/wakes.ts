/**
 * The door of the task queue: `POST /internal/wake`, there only where wakes are tasks and this process works on them. Who comes
 * is asked before the body is read. What a task means and when it is done is the runtime's affair; a request may be at work
 * for minutes, so its connection may be quiet for as long.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';
import { wakePath } from '#runtime/cloud-tasks-config.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';
import { refuseOtherMethods, retryAfterSeconds } from './app.ts';

export function wakeRoutes(app: FastifyInstance, nightdesk: Nightdesk, isDraining: () => boolean): void {
  const { requests } = nightdesk;
  if (requests === undefined || !nightdesk.config.roles.includes('turn')) return;
  const later = (reply: FastifyReply) => reply.code(503).header('retry-after', retryAfterSeconds()).send();
  app.post(
    wakePath,
    {
      bodyLimit: limits.taskBodyBytesMax,
      onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
        if (isDraining() || nightdesk.readiness() === 'starting') return later(reply);
        const verdict = await requests.admit(request.headers.authorization);
        if (verdict.ok) return undefined;
        if (verdict.status === 401) reply.header('www-authenticate', 'Bearer');
        return verdict.status === 503 ? later(reply) : reply.code(verdict.status).send();
      },
    },
    async (request, reply) => {
      const { socket } = request.raw;
      const quietMs = socket.timeout ?? 0;
      socket.setTimeout(limits.taskDeadlineMs);
      const answer = await requests.run(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      socket.setTimeout(quietMs);
      if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds);
      return reply.code(answer.status).send();
    },
  );
  refuseOtherMethods(app, wakePath, ['POST']);
}

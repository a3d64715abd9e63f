/**
 * `/admin/queues`: the queue of wakes, to look at. Only where the process has the role `console`, a queue and
 * `ADMIN_TOKEN`; elsewhere there is no such door. The token comes as the password of HTTP Basic, whatever the name, which
 * every browser asks for, or as a bearer's. Wrong tries of one address are counted, and at the limit all of its tries
 * are refused for a while, the right one included.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';
import { isSame } from './secrets.ts';

const path = '/admin/queues';
/** Addresses whose wrong tries are remembered; one that floods us with others starts anew, and still guesses slowly. */
const addressesMax = 10_000;

export function boardRoutes(app: FastifyInstance, { board, config, wake, world }: Nightdesk): void {
  const { adminToken } = config;
  if (board === undefined || adminToken === undefined) return;
  const tries = new WrongTries(() => world.clock.monotonicMs());
  app.register(async (page) => {
    page.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store').header('x-frame-options', 'DENY');
      if (tries.isBarred(request.ip))
        return reply
          .code(429)
          .header('retry-after', Math.ceil(limits.adminTriesMs / 1_000))
          .send();
      const brought = passwordOf(request);
      if (brought === null || !isSame(brought, adminToken)) {
        if (brought !== null) tries.note(request.ip);
        return askForLogin(reply);
      }
      if (wake.health?.().state === 'away')
        return reply
          .code(503)
          .type('text/plain')
          .send('Redis is away, so there is no queue to show. Nothing is lost.\n');
    });
    await page.register(board.pluginAt(path), { prefix: path });
  });
}

function askForLogin(reply: FastifyReply): FastifyReply {
  return reply.code(401).header('www-authenticate', 'Basic realm="Nightdesk queues", charset="UTF-8"').send();
}

/** Null where nothing was brought. */
function passwordOf({ headers }: FastifyRequest): string | null {
  const { authorization = '' } = headers;
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, Math.max(0, space));
  const value = authorization.slice(space + 1).trim();
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

class WrongTries {
  readonly #monotonicMs: () => number;
  readonly #byAddress = new Map<string, { count: number; sinceMs: number }>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  isBarred(address: string): boolean {
    const noted = this.#byAddress.get(address);
    if (noted === undefined) return false;
    if (this.#monotonicMs() - noted.sinceMs < limits.adminTriesMs) return noted.count >= limits.adminTriesMax;
    this.#byAddress.delete(address);
    return false;
  }

  note(address: string): void {
    const noted = this.#byAddress.get(address);
    if (noted !== undefined) {
      noted.count += 1;
      return;
    }
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size >= addressesMax && oldest !== undefined) this.#byAddress.delete(oldest);
    this.#byAddress.set(address, { count: 1, sinceMs: this.#monotonicMs() });
  }
}

/**
 * What stands before several processes: each request goes to the next one. Where that is dead, the next is asked; where it dies over the
 * request, nobody knows what it did, so nobody else gets it: 502. Where none is there, 503. Meta and a queue of tasks come again then.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What whoever asked hears where a process died over the request. */
export const diedOverIt = 502;

export class Balancer {
  readonly #server: Server;
  readonly #targets: readonly (() => string)[];
  #next = 0;
  /** Requests that a dead process did not take, and the next one did. */
  passedOn = 0;
  #url = '';

  private constructor(targets: readonly (() => string)[]) {
    this.#targets = targets;
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing));
  }

  /** `targets` tell where the processes are now; on any free port, unless one is given. */
  static async start(targets: readonly (() => string)[], port = 0): Promise<Balancer> {
    const balancer = new Balancer(targets);
    await new Promise<void>((done) => balancer.#server.listen(port, '127.0.0.1', done));
    balancer.#url = `http://127.0.0.1:${(balancer.#server.address() as AddressInfo).port}`;
    return balancer;
  }

  get url(): string {
    return this.#url;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readWhole(incoming);
    for (let tried = 0; tried < this.#targets.length; tried += 1) {
      const target = this.#targets[this.#next++ % this.#targets.length]?.();
      if (target === undefined) continue;
      try {
        const answer = await fetch(`${target}${incoming.url}`, {
          method: incoming.method ?? 'GET',
          headers: headersOf(incoming),
          ...(body.length > 0 && { body }),
        });
        const text = await answer.text();
        const retryAfter = answer.headers.get('retry-after');
        outgoing.writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? 'text/plain',
          ...(retryAfter !== null && { 'retry-after': retryAfter }),
        });
        outgoing.end(text);
        return;
      } catch (error) {
        if (!wasRefused(error)) {
          outgoing.writeHead(diedOverIt).end();
          return;
        }
        this.passedOn += 1;
      }
    }
    outgoing.writeHead(503, { 'retry-after': '1' });
    outgoing.end();
  }
}

/** Nobody listens there, so nobody has seen the request. */
const wasRefused = (error: unknown) =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ECONNREFUSED';

/** What is of one connection stays with it. */
const ofConnection = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
]);

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => !ofConnection.has(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

async function readWhole(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

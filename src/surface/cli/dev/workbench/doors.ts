/**
 * The doors of the workbench, under `/_dev` on the phone page's port: the state of the server, its moments, the life of a
 * message, and what may be done to it. They can kill a process and move its clock, so only this machine may use them: the
 * request must come from it and name it as host, and a change must be JSON and come from the page itself.
 *
 * To add a door, add its row to `doorsOf`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFault, outlineOf } from '#core/model/faults.ts';
import { lifeOf } from './life.ts';
import { perSecondMax } from './load.ts';
import type { Workbench } from './workbench.ts';

const prefix = '/_dev/';
const bodyBytesMax = 64 * 1024;
const momentsMax = 5_000;

/** Refused, in words for a person. */
class Refusal extends Error {
  readonly httpStatus: number;

  constructor(httpStatus: number, message: string) {
    super(message);
    this.httpStatus = httpStatus;
  }
}

type Body = Record<string, unknown>;
type Query = URLSearchParams;

interface Door {
  get?: (query: Query) => unknown;
  post?: (body: Body) => unknown;
  stream?: (request: IncomingMessage, response: ServerResponse, query: Query) => void;
}

function doorsOf(workbench: Workbench): Record<string, Door> {
  return {
    state: { get: () => workbench.state() },
    stream: {
      stream: (request, response, query) => workbench.stream.open(request, response, query.get('after')),
    },
    moments: {
      get: (query) => ({
        lastSeq: workbench.book.lastSeq,
        moments: workbench.book.read({
          afterSeq: numberIn(query, 'after', 0),
          limit: Math.min(numberIn(query, 'limit', 1_000), momentsMax),
        }),
      }),
    },
    life: {
      get: (query) => {
        const wamid = query.get('wamid') ?? '';
        if (wamid === '')
          throw new Refusal(400, '"wamid" is missing: name the message whose life is wanted.');
        const nowMs = workbench.state().clock.nowMs;
        return { wamid, steps: lifeOf(wamid, workbench.book.recordsAbout(wamid), nowMs) };
      },
    },
    kill: {
      post: () => {
        const pid = workbench.kill();
        if (pid === null)
          throw new Refusal(
            409,
            'There is no server to kill: it is being started again. Try again in a moment.',
          );
        return { pid };
      },
    },
    clock: { post: async ({ jumpMs }) => ({ aheadMs: await workbench.clock.jump(Number(jumpMs)) }) },
    load: {
      post: ({ perSecond }) => {
        if (typeof perSecond !== 'number' || !(perSecond >= 0 && perSecond <= perSecondMax))
          throw new Refusal(400, `"perSecond" must be a number from 0 to ${perSecondMax}; 0 stops the load.`);
        workbench.load.set(perSecond);
        return workbench.load.figures();
      },
    },
  };
}

/** For the simulator's `staticHandler`; false leaves a request to the page. */
export function createDoors(
  workbench: Workbench,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const doors = doorsOf(workbench);
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://page');
    if (!url.pathname.startsWith(prefix)) return false;
    const name = url.pathname.slice(prefix.length);
    const door = Object.hasOwn(doors, name) ? doors[name] : undefined;
    answer(door, url.searchParams, request, response).catch((error: unknown) => refuse(response, error));
    return true;
  };
}

async function answer(
  door: Door | undefined,
  query: Query,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  demandThisMachine(request);
  if (door === undefined) throw new Refusal(404, 'There is no such door under /_dev.');
  const { method = 'GET' } = request;
  if (method === 'GET' && door.stream !== undefined) return door.stream(request, response, query);
  if (method === 'GET' && door.get !== undefined) return reply(response, 200, door.get(query));
  if (method !== 'POST' || door.post === undefined)
    throw new Refusal(405, `This door knows no ${method}; use ${door.post === undefined ? 'GET' : 'POST'}.`);
  demandOwnPage(request);
  reply(response, 200, await door.post(await bodyOf(request)));
}

const loopbackAddress = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** A name of another host that leads here would let a foreign page in. */
function demandThisMachine({ socket, headers }: IncomingMessage): void {
  if (loopbackAddress.test(socket.remoteAddress ?? '') && loopbackHost.test(headers.host ?? '')) return;
  throw new Refusal(
    403,
    'The workbench can kill the server, so only this machine may use it: open the page as http://localhost or http://127.0.0.1.',
  );
}

/** No form and no page of others can send JSON here without the browser asking first, which nobody answers. */
function demandOwnPage({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}`)
    throw new Refusal(403, `Another page (${origin}) may not do that; only the phone page itself may.`);
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new Refusal(415, 'The body must be JSON: send content-type application/json.');
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bodyBytesMax) throw new Refusal(413, 'The body is larger than 64 kB.');
    chunks.push(chunk);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'The body is no JSON.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'The body must be a JSON object, e.g. {}.');
  return body as Body;
}

function numberIn(query: Query, name: string, otherwise: number): number {
  const given = query.get(name);
  if (given === null) return otherwise;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Refusal(400, `"${name}" must be a whole number from 0 on.`);
  return value;
}

function reply(response: ServerResponse, httpStatus: number, body: unknown): void {
  response.writeHead(httpStatus, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const [httpStatus, message] = refusalOf(error);
  reply(response, httpStatus, { error: message });
}

function refusalOf(error: unknown): [number, string] {
  if (error instanceof Refusal) return [error.httpStatus, error.message];
  if (isFault(error)) {
    const httpStatus = error.code === 'badRequest' ? 400 : error.code === 'conflict' ? 409 : 503;
    return [httpStatus, error.message];
  }
  return [500, outlineOf(error)];
}

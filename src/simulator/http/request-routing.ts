/** Which part answers which path of the one port. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CHECKOUT_API, CHECKOUT_PAGE } from '../checkout/checkout.ts';
import { TASKS_PATH } from '../cloud-tasks/tasks.ts';
import type { Control } from '../control/control.ts';
import type { HttpAnswer } from '../graph/graph-errors.ts';
import type { GraphRequest } from '../graph/graph-surface.ts';
import { DOCUMENT_BYTES_MAX } from '../media/media-kinds.ts';
import type { Engine, SimulatorOptions, SimulatorWorld } from './engine.ts';
import { playOutcome, writeAnswer } from './http-answering.ts';
import type { LiveEvents } from './live-events.ts';

const BODY_BYTES_MAX = 20_000_000;
/** The largest document, with room for the rest of its form. */
const UPLOAD_BYTES_MAX = DOCUMENT_BYTES_MAX + 1_000_000;
const UPLOAD_PATH = /\/media\/?$/;
const GRAPH_PATH = /^\/(v\d+\.\d+(\/|$)|\d|debug_token$|app$|app\/)/;
const ATTACHMENTS = '/whatsapp_business/attachments';

const NOT_FOUND: HttpAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain' },
  body: 'Nothing is served here.',
};

const NO_TOKEN: HttpAnswer = { ...NOT_FOUND, status: 401, body: 'A media URL needs the access token.' };

function readBody(request: IncomingMessage, bytesMax: number, done: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) request.destroy();
    else chunks.push(chunk);
  });
  request.on('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}

export function splitUrl(url: string): { path: string; query: Record<string, string> } {
  const cut = url.indexOf('?');
  if (cut < 0) return { path: url, query: {} };
  return { path: url.slice(0, cut), query: Object.fromEntries(new URLSearchParams(url.slice(cut + 1))) };
}

export interface RequestHandlerParts {
  readonly world: SimulatorWorld;
  readonly engine: Engine;
  readonly control: Control;
  readonly live: LiveEvents;
  readonly staticHandler: SimulatorOptions['staticHandler'];
}

export function createRequestHandler(
  parts: RequestHandlerParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { world, engine, control, live, staticHandler } = parts;
  const { meta, anthropic, images, checkout, tasks } = engine;

  const graph = (request: GraphRequest, response: ServerResponse): void => {
    const outcome = meta.handle(request, world.nowMs());
    if (outcome.kind === 'held') engine.hold(outcome.answerId, response);
    else playOutcome(response, outcome, world.setTimer, () => {});
    engine.pump();
  };

  const model = (request: GraphRequest, response: ServerResponse): void => {
    const outcome = anthropic.handle(request, world.nowMs());
    playOutcome(response, outcome, world.setTimer, (end) =>
      anthropic.ended(outcome.callId, end, world.nowMs()),
    );
  };

  const image = (request: GraphRequest, response: ServerResponse): void => {
    const outcome = images.handle(request, world.nowMs());
    playOutcome(response, outcome, world.setTimer, (end) => images.ended(outcome.callId, end, world.nowMs()));
  };

  const pay = (request: GraphRequest, response: ServerResponse): void => {
    playOutcome(response, checkout.handle(request, world.nowMs()), world.setTimer, () => {});
    engine.pump();
  };

  const task = (request: GraphRequest, response: ServerResponse): void => {
    playOutcome(response, tasks.handle(request, world.nowMs()), world.setTimer, () => {});
    engine.pump();
  };

  const drive = async (request: GraphRequest, response: ServerResponse): Promise<void> => {
    const answering = control.handle(request, world.nowMs());
    engine.pump();
    const { status, body } = await answering;
    if (request.path === '/_sim/reset') engine.breakOffHeld();
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
    writeAnswer(response, { status, headers, body });
  };

  const attachment = (
    request: IncomingMessage,
    query: Readonly<Record<string, string>>,
    response: ServerResponse,
  ): void => {
    const nowMs = world.nowMs();
    const file = meta.media.open(query, nowMs);
    const isAllowed = meta.isTokenGood(request.headers.authorization, nowMs);
    if (!isAllowed || !file) {
      writeAnswer(response, isAllowed ? NOT_FOUND : NO_TOKEN);
      return;
    }
    const headers = { 'content-type': file.mimeType, 'content-length': String(file.bytes.length) };
    response.writeHead(200, headers).end(file.bytes);
  };

  return (request: IncomingMessage, response: ServerResponse): void => {
    const { path, query } = splitUrl(request.url ?? '/');
    const method = request.method ?? 'GET';
    const withBody = (handle: (full: GraphRequest, response: ServerResponse) => void): void =>
      readBody(request, UPLOAD_PATH.test(path) ? UPLOAD_BYTES_MAX : BODY_BYTES_MAX, (body) =>
        handle({ method, path, query, headers: request.headers, body }, response),
      );
    if (GRAPH_PATH.test(path)) withBody(graph);
    else if (TASKS_PATH.test(path)) withBody(task);
    else if (path.startsWith('/v1/images/')) withBody(image);
    else if (CHECKOUT_API.test(path) || path.startsWith(CHECKOUT_PAGE)) withBody(pay);
    else if (path.startsWith('/v1/')) withBody(model);
    else if (path === '/_sim/events' && method === 'GET') live.open(request, response, query.after);
    else if (path.startsWith('/_sim')) withBody((full, to) => void drive(full, to));
    else if (path.startsWith(ATTACHMENTS)) attachment(request, query, response);
    else if (!staticHandler?.(request, response)) writeAnswer(response, NOT_FOUND);
  };
}

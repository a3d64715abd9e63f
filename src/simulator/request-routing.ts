/** Which part answers which path of the one port. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Control } from './control.ts';
import type { Engine, SimulatorOptions, SimulatorWorld } from './engine.ts';
import type { HttpAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-surface.ts';
import { playOutcome, writeAnswer } from './http-answering.ts';
import type { LiveEvents } from './live-events.ts';

const BODY_BYTES_MAX = 20_000_000;
const GRAPH_PATH = /^\/(v\d+\.\d+(\/|$)|\d)/;
const ATTACHMENTS = '/whatsapp_business/attachments';

const NOT_FOUND: HttpAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain' },
  body: 'Nothing is served here.',
};

const NO_TOKEN: HttpAnswer = { ...NOT_FOUND, status: 401, body: 'A media URL needs the access token.' };

function readBody(request: IncomingMessage, done: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) request.destroy();
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
  const { meta, anthropic } = engine;

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

  const drive = async (request: GraphRequest, response: ServerResponse): Promise<void> => {
    const answering = control.handle(request, world.nowMs());
    engine.pump();
    const { status, body } = await answering;
    if (request.path === '/_sim/reset') engine.breakOffHeld();
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
    writeAnswer(response, { status, headers, body });
  };

  const attachment = (request: IncomingMessage, mediaId: string, response: ServerResponse): void => {
    const file = meta.media.download(mediaId);
    if (!request.headers.authorization || !file) {
      writeAnswer(response, file ? NO_TOKEN : NOT_FOUND);
      return;
    }
    const headers = { 'content-type': file.mimeType, 'content-length': String(file.bytes.length) };
    response.writeHead(200, headers).end(file.bytes);
  };

  return (request: IncomingMessage, response: ServerResponse): void => {
    const { path, query } = splitUrl(request.url ?? '/');
    const method = request.method ?? 'GET';
    const withBody = (handle: (full: GraphRequest, response: ServerResponse) => void): void =>
      readBody(request, (body) => handle({ method, path, query, headers: request.headers, body }, response));
    if (GRAPH_PATH.test(path)) withBody(graph);
    else if (path.startsWith('/v1/')) withBody(model);
    else if (path === '/_sim/events' && method === 'GET') live.open(request, response, query.after);
    else if (path.startsWith('/_sim')) withBody((full, to) => void drive(full, to));
    else if (path.startsWith(ATTACHMENTS)) attachment(request, query.mid ?? '', response);
    else if (!staticHandler?.(request, response)) writeAnswer(response, NOT_FOUND);
  };
}

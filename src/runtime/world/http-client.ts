/**
 * The `Http` port over node:http and node:https: one request, one answer, no retry, no redirect. Its promise is the
 * phase of a fault. The request is written only when its socket is connected (with TLS: when the other side is
 * verified), so before that moment a fault is `notSent` by construction; from that moment on it is `uncertain`, whatever
 * the reason looks like.
 *
 * A reused socket that the other side has just closed also ends `uncertain`, and an uncertain send holds its
 * conversation; so idle sockets are dropped before the usual servers drop them (`idleSocketMs`).
 * To add an option, give it a default with its reason in `httpDefaults`.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { limits } from '#core/limits.ts';
import { type CrashPoints, noCrashPoints } from '#core/ports/crash-points.ts';
import { type Http, HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import { Rounds } from '#core/rounds.ts';

export interface HttpClientOptions {
  /** Connections to one host at once; further requests wait for one, within their own time limit. */
  socketsMax?: number;
  /** A connection that is not made in this time is given up as `notSent`. */
  connectTimeoutMs?: number;
  /** An unused connection is dropped after this. */
  idleSocketMs?: number;
  /** An answer larger than this is a fault, unless its request says another limit. */
  bodyBytesMax?: number;
  crashPoints?: CrashPoints;
}

export interface HttpClient extends Http {
  /** Closes every socket; requests under way end as faults. */
  close(): void;
}

export const httpDefaults = {
  /** 1,000 sends a second at 100 ms a call need 100; with room for a slow minute. */
  socketsMax: 256,
  /** A handshake across the world takes under one second; later than this the network is ill and a repeat is safe. */
  connectTimeoutMs: 5_000,
  /** Servers drop idle connections after 5 s (Node) to 75 s (nginx); we must be first. */
  idleSocketMs: 4_000,
  /** Graph and the models answer with kilobytes. */
  bodyBytesMax: 10 * 1024 * 1024,
} as const;

export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { socketsMax, connectTimeoutMs, idleSocketMs, bodyBytesMax } = { ...httpDefaults, ...options };
  const { crashPoints = noCrashPoints } = options;
  const agentOptions = {
    keepAlive: true,
    scheduling: 'lifo',
    maxSockets: socketsMax,
    maxFreeSockets: socketsMax,
    timeout: idleSocketMs,
  } as const;
  const httpAgent = new HttpAgent(agentOptions);
  const httpsAgent = new HttpsAgent(agentOptions);
  const rounds = new Rounds(
    (fn) => void setImmediate(fn),
    () => limits.answersPerRoundMax,
  );
  const terms = { connectTimeoutMs, bodyBytesMax, crashPoints, rounds };

  return {
    request: (request) =>
      new Promise(
        (resolve, reject) => new Exchange(request, { httpAgent, httpsAgent }, terms, resolve, reject),
      ),
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

interface Agents {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
}

/** What is equal for all requests of a client. */
interface Terms {
  connectTimeoutMs: number;
  bodyBytesMax: number;
  crashPoints: CrashPoints;
  /** Many servers may answer at once. */
  rounds: Rounds;
}

/** One request and its end. A class, because it is made for every send and its parts must not be closures each. */
class Exchange {
  private readonly request: HttpRequest;
  private readonly terms: Terms;
  private readonly resolve: (response: HttpResponse) => void;
  private readonly reject: (fault: HttpFault) => void;
  private readonly host: string;
  private outgoing: ClientRequest | undefined;
  private timer: NodeJS.Timeout | undefined;
  private connectTimer: NodeJS.Timeout | undefined;
  private written = false;
  private ended = false;

  constructor(
    request: HttpRequest,
    agents: Agents,
    terms: Terms,
    resolve: (response: HttpResponse) => void,
    reject: (fault: HttpFault) => void,
  ) {
    this.request = request;
    this.terms = terms;
    this.resolve = resolve;
    this.reject = reject;
    this.host = hostOf(request.url);
    if (request.signal?.aborted) this.fail('ABORTED');
    else this.start(agents);
  }

  private start(agents: Agents): void {
    try {
      this.outgoing = this.open(agents);
    } catch (error) {
      // A URL or header that cannot be sent.
      this.fail(codeOf(error));
      return;
    }
    this.timer = setTimeout(this.onTimeout, this.request.timeoutMs);
    this.request.signal?.addEventListener('abort', this.onAbort);
  }

  private open({ httpAgent, httpsAgent }: Agents): ClientRequest {
    const { method, url, headers, body } = this.request;
    const target = new URL(url);
    const isTls = target.protocol === 'https:';
    const allHeaders =
      body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = isTls
      ? requestHttps(target, { method, headers: allHeaders, agent: httpsAgent })
      : requestHttp(target, { method, headers: allHeaders, agent: httpAgent });
    outgoing.on('socket', this.onSocket);
    outgoing.on('response', this.onResponse);
    outgoing.on('error', (error) => this.fail(codeOf(error)));
    outgoing.on('close', () => this.fail('ECONNRESET'));
    return outgoing;
  }

  private readonly onSocket = (socket: Socket): void => {
    // One that could not even be opened (no route, no file left for it) is destroyed already; its error follows.
    if (this.ended || socket.destroyed) return;
    if (isConnected(socket)) {
      this.write();
      return;
    }
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      clearTimeout(this.connectTimer);
      this.write();
    });
    this.connectTimer = setTimeout(() => this.fail('CONNECT_TIMEOUT'), this.terms.connectTimeoutMs);
  };

  private write(): void {
    if (this.ended) return;
    this.written = true;
    this.reach('beforeWrite');
    this.outgoing?.end(this.request.body, this.onWritten);
  }

  private reach(moment: 'beforeWrite' | 'afterWrite' | 'afterAnswer'): void {
    const { purpose } = this.request;
    if (purpose !== null) this.terms.crashPoints.reach(`${purpose}.${moment}`);
  }

  private readonly onResponse = (incoming: IncomingMessage): void => {
    const chunks: Buffer[] = [];
    const bodyBytesMax = this.request.bodyBytesMax ?? this.terms.bodyBytesMax;
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bodyBytesMax) this.fail('BODY_TOO_LARGE');
    });
    incoming.on('error', (error) => this.fail(codeOf(error)));
    incoming.on('end', () => {
      // A body that was cut short also ends; only a whole one is complete.
      if (!incoming.complete) return this.fail('ECONNRESET');
      const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const body = this.request.bytes ? { body: '', bytes: whole } : { body: whole.toString('utf8') };
      this.succeed({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), ...body });
    });
  };

  private readonly onWritten = (): void => this.reach('afterWrite');
  private readonly onTimeout = (): void => this.fail('TIMEOUT');
  private readonly onAbort = (): void => this.fail('ABORTED');

  private succeed(response: HttpResponse): void {
    if (!this.settle()) return;
    this.reach('afterAnswer');
    this.terms.rounds.run(1, () => this.resolve(response));
  }

  private fail(code: string): void {
    if (!this.settle()) return;
    this.outgoing?.destroy();
    const phase = this.written ? 'uncertain' : 'notSent';
    const meaning = this.written
      ? 'The request had been written, so it may have been acted on: look before repeating it.'
      : 'Nothing was sent, so a repeat is safe.';
    this.reject(new HttpFault(phase, code, `No answer from ${this.host} (${code}). ${meaning}`));
  }

  /** True the first time. */
  private settle(): boolean {
    if (this.ended) return false;
    this.ended = true;
    clearTimeout(this.timer);
    clearTimeout(this.connectTimer);
    this.request.signal?.removeEventListener('abort', this.onAbort);
    return true;
  }
}

/** `secureConnecting` is true until the other side is verified; the platform's type declarations do not know it. */
function isConnected(socket: Socket): boolean {
  return !socket.connecting && !('secureConnecting' in socket && socket.secureConnecting === true);
}

/** Only the host: a path or query may hold ids or tokens. */
function hostOf(url: string): string {
  return URL.parse(url)?.host || 'an unreadable address';
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

/** Names in lower case; a repeated header's values joined as the protocol allows. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

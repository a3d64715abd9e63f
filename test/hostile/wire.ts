/**
 * Bytes to a port and what comes back, without an HTTP client in between, since no client writes what an attacker
 * would. Works against a server in this process and against one of its own.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface Heard {
  /** Of the answers, in order. */
  statuses: number[];
  text: string;
  /** The server has closed the connection. */
  closed: boolean;
}

/** How long a server that owes an answer may be silent before the test fails. */
const silenceMaxMs = 20_000;

const firstLine = /HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g;

export function statusesIn(text: string): number[] {
  return [...text.matchAll(firstLine)].map((match) => Number(match[1])).filter((status) => status !== 100);
}

/** A connection that hears everything; errors of the socket count as closed. */
export class Wire {
  readonly socket: Socket;
  text = '';
  closed = false;
  #changed: () => void = () => {};
  #late: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
      this.#changed();
    });
    this.socket.on('error', () => {});
    this.socket.on('timeout', () => this.#late());
    this.socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  get heard(): Heard {
    return { statuses: statusesIn(this.text), text: this.text, closed: this.closed };
  }

  /** Resolves when the condition holds, and also when the connection is closed and nothing more can come. */
  until(condition: (heard: Heard) => boolean, maxMs = silenceMaxMs): Promise<Heard> {
    const isOver = () => this.closed || condition(this.heard);
    return new Promise((resolve, reject) => {
      this.socket.setTimeout(maxMs);
      this.#late = () => reject(new Error(`Nothing came for ${maxMs} ms after: ${this.text}`));
      this.#changed = () => {
        if (isOver()) resolve(this.heard);
      };
      this.#changed();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Writes the bytes, ends its own side, and hears until the server closes. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<Heard> {
  const wire = new Wire(port);
  wire.socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  const heard = await wire.until(() => false);
  wire.close();
  return heard;
}

/** The same with its own side left open: what is heard is the first answers, or the end. */
export async function ask(port: number, bytes: string | Uint8Array, answers = 1): Promise<Heard> {
  const wire = new Wire(port);
  wire.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  const heard = await wire.until(({ statuses }) => statuses.length >= answers);
  wire.close();
  return heard;
}

export interface Head {
  method?: string;
  target?: string;
  headers?: readonly string[];
  body?: string | Uint8Array;
}

/** A request as bytes. Where no header is about its length, the right one is added. */
export function requestOf({ method = 'POST', target = '/', headers = [], body = '' }: Head): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const tellsLength = headers.some((line) => /^(content-length|transfer-encoding)/i.test(line));
  const lines = [`${method} ${target} HTTP/1.1`, 'host: 127.0.0.1', ...headers];
  if (!tellsLength && bytes.length > 0) lines.push(`content-length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port could be had.');
  return address.port;
}

/**
 * A TCP server that misbehaves to order: each connection is handed to a script. Beside it, the moments a test waits for
 * as promises, so that no test has to guess how long something takes.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export interface RawServer {
  url: string;
  port: number;
  /** Connections that were made, ever. */
  connections(): number;
  /** Bytes that arrived, over all connections. */
  received(): string;
  close(): Promise<void>;
}

/** `onRequest` runs when the head of a request is complete; without it nothing is ever answered. */
export async function startRawServer(
  onRequest: (socket: Socket, request: string) => void = () => {},
  onConnection: (socket: Socket) => void = () => {},
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let received = '';
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let pending = '';
    socket.on('data', (chunk) => {
      received += chunk.toString();
      pending += chunk.toString();
      if (!isWhole(pending)) return;
      const request = pending;
      pending = '';
      onRequest(socket, request);
    });
    onConnection(socket);
  });
  await listen(server);
  const port = portOf(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connections: () => connections,
    received: () => received,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
  return address.port;
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await startRawServer();
  await server.close();
  return server.port;
}

export const answer = (body: string, head = ''): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`;

function isWhole(request: string): boolean {
  const headEnd = request.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /content-length: (\d+)/i.exec(request)?.[1];
  return Buffer.byteLength(request.slice(headEnd + 4)) >= Number(length ?? 0);
}

/**
 * A TCP proxy between the server and a look-alike, which can forget to forward: the connection stays open and nothing
 * comes any more, as behind a firewall that lost its table. Connections that were made since it was healed work.
 */
import { connect, createServer, type Socket } from 'node:net';
import { listen, portOf } from '../world/raw-server.ts';

export interface TcpProxy {
  readonly url: string;
  readonly port: number;
  /** The other side, as a URL. */
  target: string;
  /** From now on: requests do not reach the other side, or answers end after some bytes, each for all connections. */
  stall(fault: Stall): void;
  /** New connections work; those that stalled stay as they are. */
  heal(): void;
  /** Connections that stall and were not given up by the server. */
  stalled(): number;
  close(): Promise<void>;
}

export type Stall = { what: 'requests' } | { what: 'answers'; afterBytes: number };

interface Pair {
  near: Socket;
  far: Socket;
  stall: Stall | null;
  /** Bytes that may still come back where answers stall. */
  bytesLeft: number;
}

export async function startProxy(): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let current: Stall | null = null;
  const begin = (pair: Pair, stall: Stall | null) => {
    pair.stall = stall;
    pair.bytesLeft = stall?.what === 'answers' ? stall.afterBytes : 0;
  };
  const server = createServer((near) => {
    const { hostname, port } = new URL(proxy.target);
    const pair: Pair = { near, far: connect(Number(port), hostname), stall: null, bytesLeft: 0 };
    begin(pair, current);
    pairs.add(pair);
    forward(pair);
    near.once('close', () => pairs.delete(pair));
  });
  await listen(server);
  const port = portOf(server);
  const proxy: TcpProxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    target: '',
    stall(stall) {
      current = stall;
      for (const pair of pairs) begin(pair, stall);
    },
    heal() {
      current = null;
    },
    stalled: () => [...pairs].filter(({ stall }) => stall !== null).length,
    async close() {
      for (const { near } of pairs) near.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}

function forward(pair: Pair): void {
  const { near, far } = pair;
  near.on('data', (bytes) => {
    if (pair.stall?.what !== 'requests') far.write(bytes);
  });
  far.on('data', (bytes) => {
    if (pair.stall === null) return void near.write(bytes);
    const now = bytes.subarray(0, pair.bytesLeft);
    pair.bytesLeft -= now.length;
    if (now.length > 0) near.write(now);
  });
  near.on('close', () => far.destroy());
  far.on('close', () => {
    if (pair.stall === null) near.destroy();
  });
  for (const socket of [near, far]) socket.on('error', () => {});
}

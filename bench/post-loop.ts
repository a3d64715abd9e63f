/**
 * A closed loop of POSTs over keep-alive connections: each connection sends its next request when its last one is
 * answered. Requests are whole, signed and in memory before the clock starts, and answers are read just far enough,
 * because load generator and server share the machine's cores.
 */
import { connect, type Socket } from 'node:net';

export interface PostLoopResult {
  durationMs: number;
  /** One for each request, from the write to the whole answer. */
  latenciesMs: Float64Array;
  /** Answers other than 200. */
  refused: number;
}

export interface PostLoopOptions {
  port: number;
  connections: number;
  /** Whole HTTP/1.1 requests, headers and all. */
  requests: readonly Buffer[];
}

export async function postAll({ port, connections, requests }: PostLoopOptions): Promise<PostLoopResult> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => opened(port)));
  const latenciesMs = new Float64Array(requests.length);
  let next = 0;
  let refused = 0;
  const beginMs = performance.now();
  const loop = (socket: Socket) =>
    new Promise<void>((resolve, reject) => {
      let index = -1;
      let sentMs = 0;
      let answer = '';
      const send = (): void => {
        index = next++;
        const request = requests[index];
        sentMs = performance.now();
        if (request === undefined) resolve();
        else socket.write(request);
      };
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        if (!isWhole(answer)) return;
        latenciesMs[index] = performance.now() - sentMs;
        if (!answer.startsWith('HTTP/1.1 200')) refused += 1;
        answer = '';
        send();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('The server closed a connection under load.')));
      send();
    });
  try {
    await Promise.all(sockets.map(loop));
    return { durationMs: performance.now() - beginMs, latenciesMs, refused };
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Both servers say the length of what they answer. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return answer.length >= headEnd + 4 + Number(length ?? 0);
}

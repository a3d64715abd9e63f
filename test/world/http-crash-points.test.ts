/** Where the crash points of a request stand, seen from the other side of the socket. */
import { afterEach, expect, test } from 'vitest';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import type { HttpRequest } from '#core/ports/world.ts';
import { createHttpClient, type HttpClient } from '#runtime/world/http-client.ts';
import { type RawServer, startRawServer } from './raw-server.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A client whose sockets die at `diesAt`, as with their process. */
function mortal(diesAt?: CrashPoint): { client: HttpClient; reached: CrashPoint[] } {
  const reached: CrashPoint[] = [];
  const client = createHttpClient({
    crashPoints: {
      reach(point) {
        reached.push(point);
        if (point === diesAt) client.close();
      },
    },
  });
  closing.push(client.close);
  return { client, reached };
}

/** `heard` resolves with all that came over a connection that is over. */
async function listener(answer?: string): Promise<RawServer & { heard: Promise<string> }> {
  const over = Promise.withResolvers<string>();
  const server: RawServer = await startRawServer(
    (socket) => answer !== undefined && socket.end(answer),
    (socket) => socket.on('close', () => over.resolve(server.received())),
  );
  closing.push(server.close);
  return { ...server, heard: over.promise };
}

const send = (url: string): HttpRequest => ({
  purpose: 'graphSend',
  method: 'POST',
  url,
  headers: {},
  body: 'the last words',
  timeoutMs: 10_000,
});

test('before the write not a byte is with the other side', async () => {
  const { url, heard } = await listener();
  const { client, reached } = mortal('graphSend.beforeWrite');
  await expect(client.request(send(url))).rejects.toMatchObject({ phase: 'uncertain' });
  expect(await heard).toBe('');
  expect(reached[0]).toBe('graphSend.beforeWrite');
});

test('after the write every byte reaches the other side, whatever becomes of this one', async () => {
  const { url, heard } = await listener();
  const { client, reached } = mortal('graphSend.afterWrite');
  await expect(client.request(send(url))).rejects.toMatchObject({ phase: 'uncertain' });
  expect(await heard).toMatch(/^POST \/ [\s\S]*\r\n\r\nthe last words$/);
  expect(reached).toEqual(['graphSend.beforeWrite', 'graphSend.afterWrite']);
});

test('after the answer all of it is here', async () => {
  const { url } = await listener('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const { client, reached } = mortal();
  await expect(client.request(send(url))).resolves.toMatchObject({ body: 'ok' });
  expect(reached).toEqual(['graphSend.beforeWrite', 'graphSend.afterWrite', 'graphSend.afterAnswer']);
});

test('a request without a purpose has no points', async () => {
  const { url } = await listener('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const { client, reached } = mortal();
  await client.request({ ...send(url), purpose: null });
  expect(reached).toEqual([]);
});

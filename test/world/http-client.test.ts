import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import * as tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpFault, type HttpRequest } from '#core/ports/world.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '#runtime/world/http-client.ts';
import { cert, key } from './certificate.ts';
import { answer, closedPort, listen, portOf, type RawServer, startRawServer } from './raw-server.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function client(options: HttpClientOptions = {}): HttpClient {
  const made = createHttpClient(options);
  closing.push(made.close);
  return made;
}

async function server(...scripts: Parameters<typeof startRawServer>): Promise<RawServer> {
  const made = await startRawServer(...scripts);
  closing.push(made.close);
  return made;
}

const post = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  purpose: null,
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  body: '{"text":"grüß"}',
  timeoutMs: 10_000,
  ...rest,
});

async function faultOf(answering: Promise<unknown>): Promise<HttpFault> {
  const fault = await answering.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (fault instanceof HttpFault) return fault;
  throw new Error(`Expected an HttpFault, got ${String(fault)}.`);
}

describe('an answer', () => {
  test('brings status, headers and the whole body, and the request arrived as it was given', async () => {
    const { url, received } = await server((socket) =>
      socket.end(answer('{"ok":"señor"}', 'X-One: 1\r\nX-One: 2\r\n')),
    );
    const response = await client().request(post(`${url}/a?b=c`, { headers: { authorization: 'Bearer t' } }));
    expect(response).toEqual({
      status: 200,
      headers: { 'content-length': '15', 'x-one': '1, 2' },
      body: '{"ok":"señor"}',
    });
    expect(received()).toMatch(/^POST \/a\?b=c HTTP\/1\.1\r\n/);
    expect(received()).toContain('authorization: Bearer t');
    expect(received()).toContain('content-length: 17');
    expect(received()).toMatch(/\{"text":"grüß"\}$/);
  });

  test('in pieces, with a character cut in two, is put together', async () => {
    const whole = Buffer.from(answer('año'));
    const { url } = await server((socket) => {
      socket.setNoDelay(true);
      socket.write(whole.subarray(0, -2), () => setImmediate(() => socket.end(whole.subarray(-2))));
    });
    expect((await client().request(post(url))).body).toBe('año');
  });

  test('as bytes is what was sent, byte for byte, in one piece or many, and has no text beside it', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
    const { url } = await server((socket) => {
      socket.setNoDelay(true);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes.subarray(0, 2), () => setImmediate(() => socket.end(bytes.subarray(2))));
    });
    const response = await client().request({
      purpose: null,
      method: 'GET',
      url,
      headers: {},
      timeoutMs: 10_000,
      bytes: true,
    });
    expect(response.body).toBe('');
    expect(Buffer.from(response.bytes ?? [])).toEqual(bytes);
  });

  test('of any status is an answer, and a redirect is not followed', async () => {
    const { url, connections } = await server((socket) =>
      socket.end('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
    );
    const response = await client().request({
      purpose: null,
      method: 'GET',
      url,
      headers: {},
      timeoutMs: 10_000,
    });
    expect(response).toMatchObject({ status: 302, body: '' });
    expect(connections()).toBe(1);
  });

  test('leaves its connection to the next request', async () => {
    const { url, connections } = await server((socket) => socket.write(answer('1')));
    const http = client();
    for (let i = 0; i < 3; i++) await http.request(post(url));
    expect(connections()).toBe(1);
  });

  test('may take longer than an idle connection lives', async () => {
    const { url } = await server((socket) => {
      setTimeout(() => socket.write(answer('late')), 60);
    });
    expect((await client({ idleSocketMs: 10 }).request(post(url))).body).toBe('late');
  });
});

describe('nothing was sent when', () => {
  test('the connection is refused', async () => {
    const fault = await faultOf(client().request(post(`http://127.0.0.1:${await closedPort()}`)));
    expect(fault).toMatchObject({ phase: 'notSent', code: 'ECONNREFUSED' });
    expect(fault.message).toMatch(/^No answer from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. Nothing was sent/);
  });

  test('the connection fails before it is tried: no route, no file left for a socket', async () => {
    // No connection is made to the address of everybody; the system says so at once.
    const fault = await faultOf(client().request(post('http://255.255.255.255:9/')));
    expect(fault.phase).toBe('notSent');
  });

  test('the host has no address', async () => {
    const fault = await faultOf(client().request(post('http://nobody.invalid/')));
    expect(fault.phase).toBe('notSent');
    expect(fault.code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
  });

  test('the TLS handshake fails: not one byte of the request is on the wire', async () => {
    const { url, received } = await server(
      () => {},
      (socket) => socket.end('this is no TLS'),
    );
    const fault = await faultOf(client().request(post(url.replace('http:', 'https:'), { body: 'SECRET' })));
    expect(fault.phase).toBe('notSent');
    expect(received()).not.toContain('SECRET');
  });

  test('the handshake never ends within the time for connecting', async () => {
    const { url } = await server();
    const http = client({ connectTimeoutMs: 20 });
    const fault = await faultOf(http.request(post(url.replace('http:', 'https:'))));
    expect(fault).toMatchObject({ phase: 'notSent', code: 'CONNECT_TIMEOUT' });
  });

  test('the time is over while all connections are taken', async () => {
    const { url, connections } = await server();
    const http = client({ socketsMax: 1 });
    // Long enough to be written on a busy machine.
    const first = faultOf(http.request(post(url, { timeoutMs: 1_500 })));
    const second = faultOf(http.request(post(url, { timeoutMs: 20 })));
    expect(await second).toMatchObject({ phase: 'notSent', code: 'TIMEOUT' });
    expect(await first).toMatchObject({ phase: 'uncertain', code: 'TIMEOUT' });
    expect(connections()).toBe(1);
  });

  test('it was aborted before a connection was there, or before it began', async () => {
    const { url, received } = await server();
    const abort = new AbortController();
    const answering = faultOf(client().request(post(url, { signal: abort.signal })));
    abort.abort();
    expect(await answering).toMatchObject({ phase: 'notSent', code: 'ABORTED' });
    const again = await faultOf(client().request(post(url, { signal: abort.signal })));
    expect(again).toMatchObject({ phase: 'notSent', code: 'ABORTED' });
    expect(received()).toBe('');
  });

  test('a header cannot be sent; its value is not told', async () => {
    const headers = { authorization: 'Bearer SECRET\n' };
    const fault = await faultOf(client().request(post('http://127.0.0.1:1/', { headers })));
    expect(fault).toMatchObject({ phase: 'notSent', code: 'ERR_INVALID_CHAR' });
    expect(fault.message).not.toContain('SECRET');
  });

  test('the address cannot be read', async () => {
    const fault = await faultOf(client().request(post('nowhere')));
    expect(fault).toMatchObject({ phase: 'notSent', code: 'ERR_INVALID_URL' });
  });
});

describe('nobody knows when', () => {
  test('the connection closes before an answer', async () => {
    const { url } = await server((socket) => socket.destroy());
    expect(await faultOf(client().request(post(url)))).toMatchObject({
      phase: 'uncertain',
      code: 'ECONNRESET',
    });
  });

  test('the other side resets', async () => {
    const { url } = await server((socket) => socket.resetAndDestroy());
    expect(await faultOf(client().request(post(url)))).toMatchObject({
      phase: 'uncertain',
      code: 'ECONNRESET',
    });
  });

  test('the body breaks off in the middle', async () => {
    const { url } = await server((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"mess'),
    );
    expect(await faultOf(client().request(post(url)))).toMatchObject({
      phase: 'uncertain',
      code: 'ECONNRESET',
    });
  });

  test('a body in chunks breaks off between two', async () => {
    const { url } = await server((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'),
    );
    expect(await faultOf(client().request(post(url)))).toMatchObject({
      phase: 'uncertain',
      code: 'ECONNRESET',
    });
  });

  test('no answer comes in time', async () => {
    const { url, received } = await server();
    // Long enough to be written on a busy machine.
    const fault = await faultOf(client().request(post(url, { timeoutMs: 1_500 })));
    expect(fault).toMatchObject({ phase: 'uncertain', code: 'TIMEOUT' });
    expect(fault.message).toContain('look before repeating');
    expect(received()).toContain('POST /');
  });

  test('the answer begins in time and does not end in time', async () => {
    const { url } = await server((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{'));
    expect(await faultOf(client().request(post(url, { timeoutMs: 50 })))).toMatchObject({ code: 'TIMEOUT' });
  });

  test('it was aborted after it had been written', async () => {
    const abort = new AbortController();
    const { url } = await server(() => abort.abort());
    const fault = await faultOf(client().request(post(url, { signal: abort.signal })));
    expect(fault).toMatchObject({ phase: 'uncertain', code: 'ABORTED' });
  });

  test('the answer is no HTTP', async () => {
    const { url } = await server((socket) => socket.end('hello\r\n\r\n'));
    const fault = await faultOf(client().request(post(url)));
    expect(fault.phase).toBe('uncertain');
    expect(fault.code).toMatch(/^HPE_/);
  });

  test('the answer wants another protocol', async () => {
    const { url } = await server((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    );
    expect(await faultOf(client().request(post(url)))).toMatchObject({ phase: 'uncertain' });
  });

  test('the answer is larger than allowed', async () => {
    const { url } = await server((socket) => socket.end(answer('x'.repeat(2_000))));
    const fault = await faultOf(client({ bodyBytesMax: 1_000 }).request(post(url)));
    expect(fault).toMatchObject({ phase: 'uncertain', code: 'BODY_TOO_LARGE' });
  });

  test("the answer is larger than its request allows, which goes before the client's own limit", async () => {
    const { url } = await server((socket) => socket.end(answer('x'.repeat(2_000))));
    const http = client({ bodyBytesMax: 1_500 });
    const fault = await faultOf(http.request(post(url, { bodyBytesMax: 1_999 })));
    expect(fault).toMatchObject({ phase: 'uncertain', code: 'BODY_TOO_LARGE' });
    expect((await http.request(post(url, { bodyBytesMax: 2_000 }))).body).toHaveLength(2_000);
  });

  test('a kept connection was closed by the other side while the request left', async () => {
    let served = 0;
    const { url, connections } = await server((socket) => {
      if (served++ === 0) socket.write(answer('1'));
      else socket.resetAndDestroy();
    });
    const http = client();
    await http.request(post(url));
    expect(await faultOf(http.request(post(url)))).toMatchObject({ phase: 'uncertain', code: 'ECONNRESET' });
    expect(connections()).toBe(1);
  });

  test('the client is closed', async () => {
    const http = createHttpClient();
    const { url } = await server(() => http.close());
    expect(await faultOf(http.request(post(url)))).toMatchObject({ phase: 'uncertain' });
  });
});

test('a waiting request takes over the connection of the one before', async () => {
  const { url, connections } = await server((socket, request) => socket.write(answer(request.slice(-1))));
  const http = client({ socketsMax: 2 });
  const answers = Array.from({ length: 20 }, (_, i) => http.request(post(url, { body: String(i % 10) })));
  expect((await Promise.all(answers)).map(({ body }) => Number(body))).toEqual(
    Array.from({ length: 20 }, (_, i) => i % 10),
  );
  expect(connections()).toBe(2);
});

describe('over TLS', () => {
  async function tlsServer(): Promise<{ url: string; requests: () => number }> {
    let requests = 0;
    const server = createTlsServer({ key, cert }, (_request, response) => {
      requests++;
      response.end('safe');
    });
    server.on('tlsClientError', () => {});
    await listen(server);
    closing.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return { url: `https://127.0.0.1:${portOf(server)}`, requests: () => requests };
  }

  test('nothing was sent when the other side cannot be verified', async () => {
    const { url, requests } = await tlsServer();
    const fault = await faultOf(client().request(post(url)));
    expect(fault).toMatchObject({ phase: 'notSent', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(requests()).toBe(0);
  });

  test('a verified other side is asked, twice over one connection', async () => {
    const { url, requests } = await tlsServer();
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, cert]);
    try {
      const http = client();
      expect((await http.request(post(url))).body).toBe('safe');
      expect((await http.request(post(url))).body).toBe('safe');
      expect(requests()).toBe(2);
    } finally {
      tls.setDefaultCACertificates(trusted);
    }
  });
});

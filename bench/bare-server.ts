/**
 * The measure of acknowledging: node:http, the signature over the raw bytes, 200. It stores nothing, so no server that
 * keeps its word can be faster.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.WHATSAPP_APP_SECRET ?? '';

function isGenuine(body: Buffer, signature: string | string[] | undefined): boolean {
  if (typeof signature !== 'string') return false;
  const given = Buffer.from(signature);
  const wanted = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const status = isGenuine(body, request.headers['x-hub-signature-256']) ? 200 : 401;
    response.writeHead(status, { 'content-length': '0' }).end();
  });
});

process.once('SIGTERM', () => process.exit(0));
server.listen(Number(process.env.PORT), '127.0.0.1');

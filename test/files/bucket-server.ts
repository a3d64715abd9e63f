/**
 * A bucket that speaks enough of S3: put, get and delete by path. It believes nobody: each request's signature (version
 * 4) is computed anew from what came over the socket, by arithmetic of its own, and the bytes must have the digest that
 * was signed. Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BucketSettings {
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** A signature that is older or younger than 15 minutes is refused, as AWS does. */
  nowMs: () => number;
}

export interface BucketServer {
  url: string;
  /** By their whole path. */
  objects: Map<string, { bytes: Buffer; type: string | undefined }>;
  /** What was refused, by its code. */
  refused: string[];
  /** The next requests get this status. */
  fail(...statuses: number[]): void;
  close(): Promise<void>;
}

const skewMaxMs = 15 * 60_000;
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest();

interface Asked {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** The code of an error, or null where the signature is the one that the secret makes. */
function refusalOf(settings: BucketSettings, { method, url, headers, body }: Asked): string | null {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, keyId, day, region, names = '', signature = ''] = form.exec(headers.authorization ?? '') ?? [];
  if (keyId === undefined) return 'AccessDenied';
  if (keyId !== settings.accessKeyId) return 'InvalidAccessKeyId';
  if (region !== settings.region) return 'AuthorizationHeaderMalformed';
  const date = String(headers['x-amz-date']);
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (time === null || !date.startsWith(String(day))) return 'AccessDenied';
  const [year, month, ...rest] = time.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (Math.abs(Date.UTC(year, month - 1, ...rest) - settings.nowMs()) > skewMaxMs)
    return 'RequestTimeTooSkewed';
  const signed = names.split(';');
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => signed.includes(name)))
    return 'AccessDenied';
  const digest = String(headers['x-amz-content-sha256']);
  if (digest !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const canonical = [
    method,
    url.pathname,
    '',
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    digest,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const parts = [String(day), settings.region, 's3', 'aws4_request'];
  const key = parts.reduce<Uint8Array>(
    (made, part) => hmac(made, part),
    Buffer.from(`AWS4${settings.secretAccessKey}`),
  );
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex')) ? null : 'SignatureDoesNotMatch';
}

export async function startBucket(settings: BucketSettings): Promise<BucketServer> {
  const objects: BucketServer['objects'] = new Map();
  const refused: string[] = [];
  const failures: number[] = [];
  const answer = (asked: Asked): { status: number; body?: Buffer | string } => {
    const failure = failures.shift();
    if (failure !== undefined) return { status: failure, body: '<Error><Code>SlowDown</Code></Error>' };
    const refusal = refusalOf(settings, asked);
    if (refusal !== null) {
      refused.push(refusal);
      return { status: 403, body: `<Error><Code>${refusal}</Code></Error>` };
    }
    const path = asked.url.pathname;
    if (!path.startsWith(`/${settings.bucket}/`))
      return { status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' };
    if (asked.method === 'PUT') {
      objects.set(path, { bytes: asked.body, type: asked.headers['content-type'] });
      return { status: 200 };
    }
    if (asked.method === 'DELETE') {
      objects.delete(path);
      return { status: 204 };
    }
    const found = objects.get(path);
    return found === undefined
      ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
      : { status: 200, body: found.bytes };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', headers } = request;
      const url = new URL(request.url ?? '', 'http://bucket.test');
      const { status, body = '' } = answer({ method, url, headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    refused,
    fail: (...statuses) => void failures.push(...statuses),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * Takes in bodies as bytes, because the signature is over bytes. Before it is checked anybody may send one, so all
 * bodies that are being received or worked on share an amount of memory: while it is used up a large body is answered 503,
 * and Meta comes back. Small ones, which nearly all of Meta's are, are always taken.
 */
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { limits } from '#core/limits.ts';

/** A body that is not taken. Its status is what the client is told. */
class BodyRefused extends Error {
  override readonly name = 'BodyRefused';
  readonly statusCode: 400 | 413 | 503;

  constructor(statusCode: BodyRefused['statusCode'], message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Makes `app` take bodies of every content type as a `Buffer`. */
export function takeBodies(app: FastifyInstance): void {
  const held = new Map<FastifyRequest, number>();
  let heldBytes = 0;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
    received(payload, sizesOf(request), (bytes) => {
      const before = held.get(request) ?? 0;
      held.set(request, bytes);
      heldBytes += bytes - before;
      return bytes <= limits.httpBodyFreeBytes || heldBytes <= limits.httpBodiesBytesMax;
    }),
  );
  // What a body is called says nothing, its signature does; a name that is none must not have it refused.
  app.addHook('onRequest', (request, _reply, done) => {
    delete request.headers['content-type'];
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    heldBytes -= held.get(request) ?? 0;
    held.delete(request);
    done();
  });
}

interface Sizes {
  declaredBytes: number;
  bytesMax: number;
}

/** A door that takes less than a webhook's body says so in its route. */
function sizesOf({ headers, routeOptions }: FastifyRequest): Sizes {
  const bytesMax = routeOptions.bodyLimit ?? limits.webhookBodyBytesMax;
  return { declaredBytes: Number(headers['content-length'] ?? 0), bytesMax };
}

/** `hasRoom` is told how much has come, and says whether more may. */
function received(
  payload: Readable,
  { declaredBytes, bytesMax }: Sizes,
  hasRoom: (bytes: number) => boolean,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const leave = (): void => {
      payload.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
    };
    const refuse = (refused: BodyRefused): void => {
      leave();
      reject(refused);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) refuse(tooLarge(bytesMax));
      else if (hasRoom(bytes)) chunks.push(chunk);
      else
        refuse(
          new BodyRefused(503, 'The bodies that are being received fill the memory set aside for them.'),
        );
    };
    const onEnd = (): void => {
      leave();
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, bytes));
    };
    const onGone = (): void => refuse(new BodyRefused(400, 'The connection ended before the body did.'));
    if (declaredBytes > bytesMax) reject(tooLarge(bytesMax));
    else payload.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function tooLarge(bytesMax: number): BodyRefused {
  return new BodyRefused(413, `The body is larger than ${bytesMax} bytes.`);
}

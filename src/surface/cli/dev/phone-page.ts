/**
 * The phone page: what the workspace `phone` is built to. Only names that the folder lists at the request are served, so no
 * path can lead out of it; what is built again shows after a reload. Assets carry their content in their
 * name and are kept for good, the page itself is asked for each time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const folderDefault = fileURLToPath(new URL('../../../../phone/dist/', import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ogg': 'audio/ogg',
  '.webp': 'image/webp',
};

/**
 * No script and no style but our own: even a hole in the page's escaping would stay harmless. A bot sends pictures by links
 * to wherever they are, and recordings are blobs.
 */
const policy = [
  "default-src 'self'",
  "img-src 'self' blob: data: http: https:",
  "media-src 'self' blob: data: http: https:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const howToBuild = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>The phone page is not built</title></head>
  <body>
    <h1>The phone page is not built</h1>
    <p>There is no phone/dist/index.html. Everything else runs.</p>
    <p>Run <code>npm run build -w phone</code> in the folder of Nightdesk, then reload this page.</p>
  </body>
</html>
`;

interface Answer {
  httpStatus: number;
  contentType: string;
  content: Buffer;
  isImmutable: boolean;
}

/** Undefined where nothing of that name was built. */
function find(folder: string, path: string): Answer | undefined {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const contentType = contentTypes[extname(name)];
  if (contentType === undefined) return undefined;
  const isBuilt = filesIn(folder).has(name);
  if (isBuilt) {
    const content = readFileSync(`${folder}${name}`);
    return { httpStatus: 200, contentType, content, isImmutable: name.startsWith('assets/') };
  }
  if (name !== 'index.html') return undefined;
  return { httpStatus: 503, contentType, content: Buffer.from(howToBuild), isImmutable: false };
}

/** Names with `/`, from the folder on. */
function filesIn(folder: string): ReadonlySet<string> {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return new Set(names.map((name) => name.replaceAll('\\', '/')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
}

/** For the simulator's `staticHandler`; false leaves the request to its 404. */
export function createPhonePage(
  folder = folderDefault,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const found = find(folder, (request.url ?? '/').replace(/[?#].*$/, ''));
    if (found === undefined) return false;
    response.writeHead(found.httpStatus, {
      'content-type': found.contentType,
      'content-length': found.content.byteLength,
      'cache-control': found.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : found.content);
    return true;
  };
}

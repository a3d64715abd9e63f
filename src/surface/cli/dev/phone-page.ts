/**
 * The phone page: the files of the folder `phone` at the package's root, as they are. Only names that the folder lists
 * are served, so no path can lead out of it; they are read at each request, so a change shows after a reload.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../phone/', import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** No script and no style but our own: even a hole in the page's escaping would stay harmless. */
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For the simulator's `staticHandler`; false leaves the request to its 404. */
export function createPhonePage(): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = (request.url ?? '/').replace(/[?#].*$/, '');
    const name = path === '/' ? 'index.html' : path.slice(1);
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined || !readdirSync(folder).includes(name)) return false;
    const content = readFileSync(`${folder}${name}`);
    response.writeHead(200, {
      'content-type': contentType,
      'content-length': content.byteLength,
      'cache-control': 'no-cache',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : content);
    return true;
  };
}

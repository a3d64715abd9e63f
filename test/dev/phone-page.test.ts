/** How the built page is served, and what is said where it is not built. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPhonePage } from '#surface/cli/dev/phone-page.ts';

let folder: string;
let server: Server;
let address: string;

beforeEach(async () => {
  folder = `${mkdtempSync(join(tmpdir(), 'nightdesk-page-'))}/`;
  const handler = createPhonePage(`${folder}dist/`);
  server = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function build(): void {
  mkdirSync(`${folder}dist/assets`, { recursive: true });
  writeFileSync(`${folder}dist/index.html`, '<h1>built</h1>');
  writeFileSync(`${folder}dist/assets/index-1.js`, 'export {};');
  writeFileSync(`${folder}secret.js`, 'not for anyone');
}

test('a page that is not built says how to build it, and is there after a reload', async () => {
  const missing = await fetch(address);
  expect(missing.status).toBe(503);
  expect(await missing.text()).toContain('npm run build -w phone');
  expect((await fetch(`${address}/assets/index-1.js`)).status).toBe(404);
  build();
  const built = await fetch(address);
  expect(built.status).toBe(200);
  expect(await built.text()).toBe('<h1>built</h1>');
});

test('assets are kept for good, the page is asked for each time, and no script but our own may run', async () => {
  build();
  const page = await fetch(address);
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const policy = page.headers.get('content-security-policy');
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(policy).not.toMatch(/script-src|style-src/);
  const asset = await fetch(`${address}/assets/index-1.js`);
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
});

test.each([
  '/secret.js',
  '/../secret.js',
  '/..%2fsecret.js',
  '/assets/../../secret.js',
  '/assets',
  '/assets/',
])('%s is not served', async (path) => {
  build();
  // `fetch` would tidy the path up before it asks.
  const httpStatus = await new Promise((resolve, reject) => {
    request(`${address}`, { path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
  expect(httpStatus).toBe(404);
});

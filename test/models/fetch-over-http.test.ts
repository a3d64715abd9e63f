import { expect, test } from 'vitest';
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import { fetchOver } from '#runtime/models/fetch-over-http.ts';

function recorded(answer: Partial<HttpResponse> = {}) {
  const requests: HttpRequest[] = [];
  const fetch = fetchOver(
    {
      async request(request) {
        requests.push(request);
        return { status: 200, headers: { 'x-a': '1' }, body: '{"a":1}', ...answer };
      },
    },
    { timeoutMs: 5_000 },
  );
  return { fetch, requests };
}

test('a request and its answer are carried over', async () => {
  const { fetch, requests } = recorded({ status: 429 });
  const { signal } = new AbortController();
  const response = await fetch(new URL('http://x.test/y'), {
    method: 'POST',
    headers: [['A', 'b']],
    body: '{}',
    signal,
  });
  expect(requests).toEqual([
    {
      purpose: null,
      method: 'POST',
      url: 'http://x.test/y',
      headers: { a: 'b' },
      body: '{}',
      timeoutMs: 5_000,
      signal,
    },
  ]);
  expect([response.status, response.ok, response.headers.get('x-a')]).toEqual([429, false, '1']);
  expect(await response.json()).toEqual({ a: 1 });
});

test('a status without a body has none', async () => {
  const { fetch, requests } = recorded({ status: 204, body: '' });
  expect(await (await fetch('http://x.test/')).text()).toBe('');
  expect(requests).toEqual([
    { purpose: null, method: 'GET', url: 'http://x.test/', headers: {}, timeoutMs: 5_000 },
  ]);
});

test.each<[Parameters<typeof fetch>, RegExp]>([
  [['http://x.test/', { method: 'PUT' }], /the method PUT/],
  [['http://x.test/', { method: 'POST', body: new FormData() }], /neither text nor bytes/],
  [[new Request('http://x.test/')], /a Request object/],
])('what it cannot send it refuses: %#', async (call, reason) => {
  const { fetch, requests } = recorded();
  await expect(fetch(...call)).rejects.toThrow(reason);
  expect(requests).toEqual([]);
});

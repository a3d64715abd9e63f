/** The page about events of the business: its example is taken, its codes and limits are those of the code. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { makeKey } from '../events/shop.ts';
import { acme, appSecrets, openDoor, post, signatureOf, wabaId } from '../security/door.ts';

const read = (path: string) => readFileSync(resolve(import.meta.dirname, '../..', path), 'utf8');
const page = read('docs/reference/events.md');

test('the request of the page is stored for the customer who wrote', async () => {
  const door = await openDoor();
  const webhooks = createWebhooks({ phoneNumberId: acme.number, wabaId, from: { phone: '15550001111' } });
  const body = webhooks.body([webhooks.text({ text: 'hello' })]);
  await door.raw(post(body, signatureOf(appSecrets[0], body)));
  const { key } = await makeKey(door, acme.id);
  const headers = [...page.matchAll(/-H "([\w-]+): ([^"]+)"/g)].map(
    ([, name = '', value = '']): [string, string] => [name, value.replace('$NIGHTDESK_API_KEY', key)],
  );
  const [, example = ''] = /-d '([^']+)'/.exec(page) ?? [];
  const answer = await door.raw({ method: 'POST', target: '/events', headers, body: example });
  expect(answer.status).toBe(202);
  expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(['status', 'conversationId']);
});

test('every code of an error stands on the page', () => {
  const code = read('src/pipeline/events/station.ts');
  const codes = [...code.matchAll(/refusal\(\s*\d+,\s*'(\w+)'/g)].map(([, name]) => name ?? '');
  expect(new Set(codes).size).toBeGreaterThan(6);
  // The one about a signed body that is none is Stripe's alone.
  expect(codes.filter((name) => name !== 'unreadable' && !page.includes(`\`${name}\``))).toEqual([]);
});

test('the limits on the page are those in force', () => {
  expect(page).toContain(`whole body has at most ${limits.businessEventBytesMax / 1_024} kB`);
  expect(page).toContain(`A body has at most ${limits.paymentEventBytesMax / 1_024} kB`);
  expect(page).toContain(`A tenant has at most ${limits.apiKeysLiveMax} live keys`);
  expect(page).toContain(`may be ${limits.paymentSignatureToleranceMs / 60_000} minutes old or ahead`);
});

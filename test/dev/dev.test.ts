/** The supervisor: it starts everything, says where it is, keeps the server running, and leaves nothing behind. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { SimulatorEvent } from '#simulator/index.ts';
import {
  answersIn,
  clientOf,
  DevProcess,
  type DevStart,
  eventsUntil,
  harbourBooks,
  isAnswered,
  lunaFlowers,
} from './dev-process.ts';

const started: DevProcess[] = [];
const open: { close(): unknown }[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((dev) => dev.remove()));
  for (const each of open.splice(0)) each.close();
});

/** On any free port for the server; the phone page finds its own. */
function startDev(start: DevStart = {}): DevProcess {
  const dev = new DevProcess({ ...start, env: { PORT: '0', ...start.env } });
  started.push(dev);
  return dev;
}

/** A port that is taken, by us or by whoever has it already. */
async function takePort(port: number): Promise<number> {
  const server = createServer();
  open.push(server);
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return port;
  }
  return (server.address() as { port: number }).port;
}

test('it says where everything is, and a message is answered by the demo model', async () => {
  const dev = startDev();
  const { phone, webhook } = await dev.ready();
  expect(webhook).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/webhooks\/whatsapp$/);
  expect(dev.output).toContain(`Data     ${dev.folder}/data/dev.db`);
  expect(dev.output).toContain('Metrics  http://127.0.0.1:');
  expect(dev.output).toContain('Model    the built-in demo model');

  const client = clientOf(phone);
  expect((await client.numbers()).map(({ verifiedName }) => verifiedName)).toEqual([
    'Luna Flowers',
    'Harbour Books',
  ]);
  expect(await client.contacts()).toHaveLength(2);
  for (const { id } of await client.contacts()) {
    for (const phoneNumberId of [lunaFlowers, harbourBooks]) {
      await client.say({ phoneNumberId, contact: id, type: 'text', text: `ping ${phoneNumberId} of ${id}` });
    }
  }
  const events = await eventsUntil(phone, (seen) => answersIn(seen).length === 4);
  for (const contact of ['mia', 'jonas']) {
    expect(isAnswered(events, `ping ${lunaFlowers} of ${contact}`)).toBe(true);
    expect(isAnswered(events, `ping ${harbourBooks} of ${contact}`)).toBe(true);
  }
});

test('a payment on a page of the look-alike is an event in the customer’s conversation', async () => {
  const dev = startDev();
  const { phone } = await dev.ready();
  const client = clientOf(phone);
  await client.say({ phoneNumberId: lunaFlowers, contact: 'mia', type: 'text', text: 'a bouquet' });
  await eventsUntil(phone, (seen) => answersIn(seen).length === 1);
  const db = new DatabaseSync(`${dev.folder}/data/dev.db`, { readOnly: true });
  open.push(db);
  const conversation = db.prepare('SELECT conversation_id AS id FROM conversation').get();
  const made = await fetch(`${phone}/v1/checkout/sessions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk', 'content-type': 'application/json' },
    body: JSON.stringify({
      client_reference_id: conversation?.id,
      line_items: [{ price_data: { currency: 'eur', unit_amount: 2_500 } }],
    }),
  });
  await client.pay(((await made.json()) as { id: string }).id);
  const answered = (seen: readonly SimulatorEvent[]) =>
    seen.find(({ kind }) => kind === 'paymentEventAnswered');
  const events = await eventsUntil(phone, (seen) => answered(seen) !== undefined);
  expect(answered(events)).toMatchObject({ type: 'checkout.session.completed', httpStatus: 202 });
  const facts = db.prepare("SELECT conversation_id AS id FROM event WHERE kind = 'business'").all();
  expect(facts).toEqual([conversation]);
});

test('the phone page is served beside the simulator, and nothing else is', async () => {
  const { phone } = await startDev().ready();
  const page = await fetch(phone);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const parts = [...(await page.text()).matchAll(/(?:href|src)="\.\/(assets\/[\w.-]+)"/g)];
  expect(parts.length).toBeGreaterThan(2);
  for (const [, path] of parts) {
    const part = await fetch(`${phone}/${path}`);
    expect(part.status, path).toBe(200);
    expect(part.headers.get('cache-control')).toContain('immutable');
  }
  for (const path of ['package.json', 'src/main.tsx', '..%2fpackage.json', '%2e%2e/package.json', 'no.js']) {
    expect((await fetch(`${phone}/${path}`)).status, path).toBe(404);
  }
});

test('a server that is killed is started again, and what was written meanwhile is answered once', async () => {
  const dev = startDev();
  const { phone, next } = await dev.ready();
  const client = clientOf(phone);
  process.kill(dev.serverPid(), 'SIGKILL');
  const died = await dev.line(/^The server was ended by SIGKILL\. It is started again in 250 ms/, next);
  await client.say({ phoneNumberId: lunaFlowers, contact: 'mia', type: 'text', text: 'anyone there' });
  await dev.line(/^The server is back\./, died.next);
  await eventsUntil(phone, (seen) => isAnswered(seen, 'anyone there'));
  // What comes later is answered later: had the first one been answered twice, both would be here by then.
  await client.say({ phoneNumberId: lunaFlowers, contact: 'mia', type: 'text', text: 'still there' });
  const events = await eventsUntil(phone, (seen) => isAnswered(seen, 'still there'));
  expect(answersIn(events).filter((text) => text.includes('anyone there'))).toHaveLength(1);
  expect(answersIn(events)).toHaveLength(2);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops everything in order', async (signal) => {
  const dev = startDev();
  await dev.ready();
  dev.kill(signal);
  expect(await dev.closed()).toEqual({ code: 0, signal: null });
  expect(dev.output).toContain('Stopped.');
});

test('a supervisor that is killed takes its server with it', async () => {
  const dev = startDev();
  await dev.ready();
  dev.kill('SIGKILL');
  expect(await dev.closed()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(dev.output).toContain('Stopped.');
});

test('a named port that is taken ends it with exit code 2 and the words of the server', async () => {
  const port = await takePort(0);
  const dev = startDev({ env: { PORT: String(port) } });
  expect(await dev.closed()).toEqual({ code: 2, signal: null });
  expect(dev.output).toContain(`port ${port} on 127.0.0.1 is taken`);
});

test('a named phone port that is taken ends it with exit code 2', async () => {
  const port = await takePort(0);
  const dev = startDev({ args: ['--phone-port', String(port)] });
  expect(await dev.closed()).toEqual({ code: 2, signal: null });
  expect(dev.output).toContain(`Port ${port} on 127.0.0.1, wanted for the phone page, is taken`);
});

test('default ports that are taken give way to the next free ones', async () => {
  await takePort(3_000);
  await takePort(4_000);
  const dev = startDev({ env: { PORT: '' } });
  const { phone, webhook } = await dev.ready();
  expect(dev.output).toMatch(/^Port 3000 is taken, so the server takes \d+\.$/m);
  expect(dev.output).toMatch(/^Port 4000 is taken, so the phone page takes \d+\.$/m);
  expect(Number(new URL(webhook).port)).toBeGreaterThan(3_000);
  expect(Number(new URL(phone).port)).toBeGreaterThan(4_000);
});

test('a database in memory is refused, since a restart would empty it', async () => {
  const dev = startDev({ env: { DATABASE_URL: 'sqlite::memory:' } });
  expect(await dev.closed()).toEqual({ code: 2, signal: null });
  expect(dev.output).toContain('DATABASE_URL is sqlite::memory:');
});

test('the scripts of the phone page keep to the types they name', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(`${root}node_modules/.bin/tsc`, ['-p', `${root}phone/tsconfig.json`], { stdio: 'inherit' });
});

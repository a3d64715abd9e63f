/**
 * More connections and more bytes than a server may hold: what is over the limit is refused, the memory that it holds
 * stays bounded, and a customer who has a place is answered all the while.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../proof/server-process.ts';
import { requestOf, Wire } from '../wire.ts';
import { type Prey, signedRequest, startPrey, webhookPath } from './prey.ts';

const connectionsMax = 300;
const bodiesBytesMax = 16 * 1024 * 1024;
const bodyBytes = 3_000_000;

let prey: Prey;
const wires: Wire[] = [];

beforeAll(async () => {
  prey = await startPrey({ httpConnectionsMax: connectionsMax, httpBodiesBytesMax: bodiesBytesMax });
});

afterAll(async () => {
  closeAll();
  await prey.close();
});

function closeAll(): void {
  for (const wire of wires.splice(0)) wire.close();
}

function connect(count: number): Wire[] {
  const opened = Array.from({ length: count }, () => new Wire(prey.port));
  wires.push(...opened);
  return opened;
}

/** Memory of the process that is neither shared nor given back. */
function residentMb(): number {
  const status = readFileSync(`/proc/${prey.server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

test('connections over the limit are closed, those under it are served', async () => {
  connect(connectionsMax - 20);
  expect(await prey.say('beside many')).toBe(200);
  const over = connect(100);
  // At once and without a word; a slow client would be told 408.
  const closed = () => over.filter((wire) => wire.closed && wire.text === '').length;
  await until(() => closed() >= 60, 20_000);
  expect(closed()).toBeGreaterThanOrEqual(60);
  closeAll();
  expect(await until(async () => (await prey.say('again').catch(() => 0)) === 200, 20_000)).toBe(true);
});

test('connections that come and go leave nothing behind', async () => {
  for (let round = 0; round < 20; round++) {
    const opened = connect(100);
    for (const [at, wire] of opened.entries()) {
      const bytes = signedRequest('cut off');
      wire.socket.write(bytes.subarray(0, (bytes.length * at) / opened.length));
    }
    await Promise.all(opened.map((wire) => new Promise((done) => wire.socket.once('connect', done))));
    closeAll();
  }
  expect(await until(async () => (await prey.say('after them').catch(() => 0)) === 200, 20_000)).toBe(true);
});

test('bodies that nobody signed do not fill the memory', async () => {
  const before = residentMb();
  const opened = connect(150);
  const head = requestOf({ target: webhookPath, headers: [`content-length: ${bodyBytes + 1}`] });
  for (const wire of opened) wire.socket.write(Buffer.concat([head, Buffer.alloc(bodyBytes, 'x')]));
  const refused = () => opened.filter((wire) => wire.closed);
  const expected = opened.length - Math.ceil(bodiesBytesMax / bodyBytes) - 1;
  expect(await until(() => refused().length >= expected, 60_000)).toBe(true);
  expect(refused().flatMap((wire) => wire.heard.statuses)).toContain(503);
  expect(refused().find((wire) => wire.text !== '')?.text).toMatch(/retry-after: \d+/);
  // All of them together are 450 MB.
  expect(residentMb() - before).toBeLessThan(150);
  expect(await prey.say('a small one')).toBe(200);
  closeAll();
  const large = 'l'.repeat(500_000);
  expect(await until(async () => (await prey.say(large).catch(() => 0)) === 200, 20_000)).toBe(true);
});

test('the customer was answered or had no place, never refused for what others did', () => {
  expect(prey.answered.length).toBeGreaterThan(20);
  const refused = prey.answered.filter((status) => status !== 200);
  // Status 0 is a connection over the limit.
  expect(new Set(refused).size).toBeLessThanOrEqual(1);
  expect(refused.every((status) => status === 0)).toBe(true);
  expect(prey.server.log).not.toMatch(/"level":"(error|fatal)"|unhandled/i);
});

/**
 * Clients who take their time, against a server process: each is told so or cut off when its time is up, and a customer
 * who writes meanwhile is answered throughout. Only that it happens is asserted, not when.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pause, until } from '../../proof/server-process.ts';
import { ask, requestOf, Wire } from '../wire.ts';
import { type Prey, signedRequest, startPrey, webhookPath } from './prey.ts';

let prey: Prey;

beforeAll(async () => {
  prey = await startPrey({
    httpHeadersTimeoutMs: 1_500,
    // Far enough from that for headers that a busy machine does not make both due at once.
    httpRequestTimeoutMs: 5_000,
    httpIdleTimeoutMs: 2_000,
  });
});

afterAll(() => prey.close());

beforeEach(() => {
  prey.answered.length = 0;
});

/** Whatever was tried, the customer was answered all the while and the server lives. */
async function expectUnharmed(): Promise<void> {
  await until(() => prey.answered.length > 0, 10_000);
  expect(new Set(prey.answered)).toEqual(new Set([200]));
  expect(await prey.say('after it')).toBe(200);
  expect(prey.server.isRunning).toBe(true);
  expect(prey.server.log).not.toMatch(/"level":"(error|fatal)"|unhandled/i);
}

/** Writes a byte at a time until all is written or the server has closed. */
async function trickle(wire: Wire, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length && !wire.closed; at++) {
    wire.socket.write(bytes.subarray(at, at + 1));
    await pause(100);
  }
}

const head = (...headers: string[]) => requestOf({ target: webhookPath, headers });
const long = head('content-length: 100000');

describe.concurrent('a client that is slow', () => {
  test.each([
    ['says nothing', '', ''],
    ['never ends its request line', 'GET /healthz', ''],
    ['sends its headers a byte at a time', '', head(`x: ${'a'.repeat(2_000)}`, 'content-length: 0')],
    ['sends empty lines', '', '\r\n'.repeat(500)],
    ['sends its body a byte at a time', long, 'x'.repeat(100_000)],
    ['sends its chunks a byte at a time', head('transfer-encoding: chunked'), '1\r\nx\r\n'.repeat(1_000)],
    ['never sends its body', long, ''],
    ['never sends its last chunk', `${head('transfer-encoding: chunked')}5\r\nhello\r\n`, ''],
  ])('%s: is told 408, or cut off', async (_what, atOnce, slowly) => {
    const wire = new Wire(prey.port);
    wire.socket.write(atOnce);
    const slow = trickle(wire, Buffer.from(slowly));
    const heard = await wire.until(() => false);
    await slow;
    expect(heard.closed).toBe(true);
    expect(heard.statuses.filter((status) => status !== 408)).toEqual([]);
    await expectUnharmed();
  });

  test('headers have less time than a body', async () => {
    const [first, second] = [new Wire(prey.port), new Wire(prey.port)];
    first.socket.write('POST /webhooks/whatsapp HTTP/1.1\r\n');
    second.socket.write(long);
    await first.until(() => false);
    expect(second.closed).toBe(false);
    second.close();
  });

  test('a hundred of them at once', async () => {
    const wires = Array.from({ length: 100 }, () => new Wire(prey.port));
    for (const [at, wire] of wires.entries())
      void trickle(wire, at % 2 === 0 ? long : signedRequest('slowly'));
    const heard = await Promise.all(wires.map((wire) => wire.until(() => false)));
    expect(heard.every(({ closed }) => closed)).toBe(true);
    await expectUnharmed();
  });

  test('one that is slow and in time is served', async () => {
    const bytes = signedRequest('slow, but here');
    const wire = new Wire(prey.port);
    const before = prey.stored();
    for (let from = 0; from < bytes.length; from += 100) {
      wire.socket.write(bytes.subarray(from, from + 100));
      await pause(20);
    }
    const { statuses } = await wire.until((heard) => heard.statuses.length > 0);
    wire.close();
    expect(statuses).toEqual([200]);
    expect(prey.stored()).toBeGreaterThan(before);
  });
});

describe('a connection that is kept', () => {
  test('serves one request after the other, whatever the last one was, and is closed when nothing comes', async () => {
    const wire = new Wire(prey.port);
    const wrong = requestOf({ target: webhookPath, body: '{}' });
    const lost = requestOf({ method: 'GET', target: '/nothing' });
    const parts = [signedRequest('one'), wrong, lost, signedRequest('two')];
    for (const [at, part] of Array.from({ length: 50 }, () => parts)
      .flat()
      .entries()) {
      wire.socket.write(part);
      await wire.until(({ statuses }) => statuses.length > at);
    }
    const { statuses, closed } = await wire.until(() => false);
    expect(statuses).toEqual(Array.from({ length: 50 }, () => [200, 401, 404, 200]).flat());
    expect(closed).toBe(true);
    await expectUnharmed();
  });

  test('with a thousand requests at once answers each in its turn', async () => {
    const request = requestOf({ method: 'GET', target: '/healthz' });
    const { statuses } = await ask(prey.port, Buffer.concat(Array(1_000).fill(request)), 1_000);
    expect(statuses).toEqual(Array(1_000).fill(200));
    await expectUnharmed();
  });

  test('whose client reads nothing is cut off', async () => {
    const wires = Array.from({ length: 5 }, () => new Wire(prey.port));
    await Promise.all(wires.map(({ socket }) => once(socket, 'connect')));
    for (const wire of wires) {
      wire.socket.pause();
      // More answers than the buffers between the two hold.
      wire.socket.write(Buffer.concat(Array(20_000).fill(requestOf({ method: 'GET', target: webhookPath }))));
    }
    expect(await until(() => heldOf(wires) === wires.length, 20_000)).toBe(true);
    expect(await until(() => heldOf(wires) === 0, 60_000)).toBe(true);
    for (const wire of wires) wire.close();
    await expectUnharmed();
  });
});

/** How many of these connections the server has open, as Linux tells it. */
function heldOf(wires: readonly Wire[]): number {
  const portOf = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16);
  const ours = new Set(wires.map(({ socket }) => socket.localPort));
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return rows.filter((row) => {
    const [, local, remote, , , , , , , inode] = row.trim().split(/\s+/);
    return portOf(local) === prey.port && ours.has(portOf(remote)) && inode !== '0';
  }).length;
}

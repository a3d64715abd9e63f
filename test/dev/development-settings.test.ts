/** What only a supervisor of development asks of a server: a clock that is ahead, and moments into a pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { isFault } from '#core/model/faults.ts';
import { callOwner } from '#surface/cli/command-socket.ts';

const program = fileURLToPath(new URL('../../bin/nightdesk', import.meta.url));
const folders: string[] = [];
const servers: ChildProcess[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.exitCode !== null || server.signalCode !== null) continue;
    server.kill('SIGKILL');
    await once(server, 'close');
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function start(env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-settings-'));
  folders.push(folder);
  const databasePath = join(folder, 'night.db');
  const server = spawn(program, ['start'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, PORT: '0', DATABASE_URL: `sqlite:${databasePath}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'],
  });
  servers.push(server);
  return { server, databasePath, said: createInterface({ input: server.stdout! }) };
}

async function started(env: Record<string, string>) {
  const { server, databasePath, said } = start(env);
  for await (const line of said) {
    const port = /Nightdesk listens on http:\/\/[\w.]+:(\d+)/.exec(line)?.[1];
    if (port !== undefined) return { server, databasePath, port };
  }
  throw new Error('The server ended before it listened.');
}

async function refusalOf(env: Record<string, string>): Promise<{ code: number; words: string }> {
  const { server } = start(env);
  let words = '';
  server.stderr!.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  const [code] = (await once(server, 'close')) as [number];
  return { code, words };
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    return `done: ${JSON.stringify(await work)}`;
  } catch (error) {
    return isFault(error) ? `${error.code}: ${error.message}` : String(error);
  }
}

test('a server that was told so begins ahead, goes on forward by a command, and never back', async () => {
  const { databasePath } = await started({ DEV_CLOCK_AHEAD_MS: '3600000' });
  const move = (aheadMs: unknown) => faultOf(callOwner(databasePath, 'clock.move', { aheadMs }));
  expect(await move(0)).toContain('badRequest: The clock is 3600000 ms ahead and cannot go back to 0');
  expect(await move('soon')).toContain('badRequest: The clock cannot be NaN ms ahead');
  expect(await move(7_200_000)).toBe('done: {"aheadMs":7200000}');
  expect(await move(3_600_000)).toContain('7200000 ms ahead');
});

test('any other server has the clock of its machine', async () => {
  const { databasePath } = await started({});
  expect(await faultOf(callOwner(databasePath, 'clock.move', { aheadMs: 1_000 }))).toContain(
    'conflict: The clock of this server is the machine’s and cannot be moved',
  );
});

test('moments come through the pipe that it was given', async () => {
  const { server, port } = await started({ DEV_MOMENTS_FD: '4' });
  await fetch(`http://127.0.0.1:${port}/webhooks/whatsapp`, { method: 'POST', body: '{}' });
  const pipe = createInterface({ input: server.stdio[4] as Readable });
  for await (const line of pipe) {
    expect(JSON.parse(line)).toMatchObject({ kind: 'webhookAnswered', httpStatus: 401, bytes: 2 });
    break;
  }
});

test('neither is had in production, nor a pipe that is none', async () => {
  const production = { NODE_ENV: 'production', NIGHTDESK_SECRET_KEY: 'at least thirty-two characters long' };
  const ahead = await refusalOf({ ...production, DEV_CLOCK_AHEAD_MS: '0' });
  expect(ahead).toMatchObject({ code: 2, words: expect.stringContaining('DEV_CLOCK_AHEAD_MS') });
  const watched = await refusalOf({ ...production, DEV_MOMENTS_FD: '4' });
  expect(watched).toMatchObject({ code: 2, words: expect.stringContaining('DEV_MOMENTS_FD') });
  const none = await refusalOf({ DEV_MOMENTS_FD: '77' });
  expect(none).toMatchObject({ code: 2, words: expect.stringContaining('DEV_MOMENTS_FD is 77') });
});

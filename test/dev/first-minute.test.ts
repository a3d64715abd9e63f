/** A stranger's first minute, from the packed package: a project is made, tested, started, written to and changed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answersIn, clientOf, DevProcess, eventsUntil } from './dev-process.ts';
import { buildImage } from './dockerfile.ts';
import { npm, pack, strangersEnvironment } from './packed.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightdesk-first-'));
const project = join(folder, 'empty', 'my-bot');
const tableBooking = '106540352243000';
let dev: DevProcess | undefined;

beforeAll(async () => {
  mkdirSync(join(folder, 'empty'));
  const tarball = await pack(folder);
  await npm(
    join(folder, 'empty'),
    'exec',
    '--yes',
    '--package',
    tarball,
    '--',
    ...['nightdesk', 'init', 'my-bot', '--package', tarball],
  );
  await npm(project, 'install');
}, 240_000);

afterAll(async () => {
  await dev?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('a project of nightdesk init', () => {
  test('has tests that pass', async () => {
    expect((await npm(project, 'test')).stdout).toMatch(/^. pass [1-9]/m);
  });

  test('has types that fit', async () => {
    await npm(project, 'run', 'check');
  });

  test('depends on a copy of the package, so that it can be moved', () => {
    const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies.nightdesk).toMatch(/^file:nightdesk-[\d.]+\.tgz$/);
  });

  test('has a Dockerfile whose steps make a server that starts, for production, and stops in order', async () => {
    const image = buildImage(project, strangersEnvironment());
    try {
      expect(image).toMatchObject({ from: 'node:24-slim', exposed: ['3000'], volumes: ['/app/data'] });
      expect(image.env).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' });
      for (const missing of ['node_modules/typescript', '.env', '.git'])
        expect(existsSync(join(image.folder, missing)), missing).toBe(false);
      const [program = '', ...words] = image.command;
      const server = spawn(program, words, {
        cwd: image.folder,
        env: { ...image.env, PORT: '0', NIGHTDESK_SECRET_KEY: 'a'.repeat(64), WHATSAPP_APP_SECRET: 'secret' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended = once(server, 'close');
      const said: string[] = [];
      createInterface({ input: server.stderr }).on('line', (line) => said.push(line));
      for await (const line of createInterface({ input: server.stdout })) {
        said.push(line);
        const address = /Nightdesk listens on http:\/\/0\.0\.0\.0:(\d+)/.exec(line);
        if (address === null) continue;
        expect((await fetch(`http://127.0.0.1:${address[1]}/readyz`)).status).toBe(200);
        server.kill('SIGTERM');
      }
      expect([...(await ended), said.join('\n')]).toEqual([0, null, expect.stringContaining('listens')]);
      expect(existsSync(join(image.folder, 'data', 'nightdesk.db'))).toBe(true);
    } finally {
      rmSync(dirname(image.folder), { recursive: true, force: true });
    }
  });

  test('starts, answers by its own dialog, and keeps the conversation through a change of it', async () => {
    dev = new DevProcess({
      folder: project,
      command: ['npm', 'start'],
      env: { ...strangersEnvironment(), PORT: '0' },
    });
    const { phone, next } = await dev.ready();
    const client = clientOf(phone);
    const write = (contact: string, text: string) =>
      client.say({ phoneNumberId: tableBooking, contact, type: 'text', text });
    const saidTo = async (pattern: RegExp) =>
      eventsUntil(phone, (events) => answersIn(events).some((text) => pattern.test(text)));
    expect((await client.numbers())[0]).toMatchObject({ id: tableBooking, verifiedName: 'Table booking' });
    await write('mia', 'hello');
    await saidTo(/^Welcome! For how many people/);

    const path = join(project, 'dialogs', 'table-booking.ts');
    writeFileSync(path, readFileSync(path, 'utf8').replace('Welcome!', 'Good evening!'));
    const { match } = await dev.line(/^The server is back\. The restart took (\d+) ms/, next);
    // The figure is the supervisor's own, of a machine that others use at the same time.
    console.log(match[0]);
    expect(Number(match[1])).toBeGreaterThan(0);
    await write('jonas', 'hello');
    await saidTo(/^Good evening! For how many people/);
    await write('mia', 'we are 4');
    const events = await saidTo(/^A table for 4\. On which evening\?$/);
    expect(answersIn(events)).toHaveLength(3);
  });
});

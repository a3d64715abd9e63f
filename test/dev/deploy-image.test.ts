/**
 * The steps of deploy/Dockerfile, in folders of their own: they make a server for production with every driver's library, whose own
 * health check sees it, and which ends in order at the image's stop signal. No image was built: there is no container engine here.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltImage, buildImage } from './dockerfile.ts';
import { strangersEnvironment } from './packed.ts';

const root = resolve(import.meta.dirname, '../..');
let image: BuiltImage | undefined;

function built(): BuiltImage {
  if (image === undefined) throw new Error('The steps of the Dockerfile failed.');
  return image;
}

beforeAll(() => {
  image = buildImage(root, strangersEnvironment(), 'deploy/Dockerfile');
}, 400_000);

afterAll(() => {
  if (image !== undefined) rmSync(dirname(image.folder), { recursive: true, force: true });
});

describe('deploy/Dockerfile', () => {
  test('brings the libraries of all drivers, and nothing that only develops', () => {
    const { folder, env } = built();
    const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      peerDependencies: Record<string, string>;
    };
    const names = Object.keys(peerDependencies);
    expect(names).toContain('pg');
    for (const name of [...names, 'nightdesk'])
      expect(existsSync(join(folder, 'node_modules', name)), name).toBe(true);
    for (const missing of ['node_modules/typescript', 'node_modules/vitest', 'src', '.git'])
      expect(existsSync(join(folder, missing)), missing).toBe(false);
    const load = names.map(
      (name) => `await import('${name === '@bull-board/api' ? `${name}/bullMQAdapter` : name}')`,
    );
    execFileSync('node', ['--input-type=module', '-e', load.join(';')], { cwd: folder, env });
  });

  test('makes a server that its health check sees and its stop signal ends', async () => {
    const {
      folder,
      command: [program = '', ...words],
      healthcheck,
      stopSignal,
      ...image
    } = built();
    const env = {
      ...image.env,
      PORT: '0',
      NIGHTDESK_SECRET_KEY: 'a'.repeat(64),
      WHATSAPP_APP_SECRET: 'secret',
    };
    const server = spawn(program, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(server, 'close');
    const healthOn = (port: string): void => {
      const [command = '', ...args] = healthcheck;
      execFileSync(command, args, { env: { ...env, PORT: port }, stdio: 'ignore' });
    };
    let checked = 0;
    for await (const line of createInterface({ input: server.stdout })) {
      const port = /Nightdesk listens on http:\/\/0\.0\.0\.0:(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      healthOn(port);
      expect(() => healthOn('1')).toThrow();
      checked++;
      server.kill(stopSignal as NodeJS.Signals);
    }
    expect([checked, ...(await ended)]).toEqual([1, 0, null]);
    expect(existsSync(join(folder, 'data', 'nightdesk.db'))).toBe(true);
  });
});

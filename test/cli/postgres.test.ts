/** A server on Postgres as an operator meets it: what it demands, what it refuses, and commands beside it. On a Postgres of its own. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgresStore } from '#store/postgres/index.ts';
import { openScene, phoneNumber } from '#testing/store-conformance/scene.ts';
import { bin, secretKey } from '../proof/machines/fleet.ts';
import { canOwnPostgres, OwnPostgres } from '../proof/machines/own-postgres.ts';
import { ServerProcess, until } from '../proof/server-process.ts';

let postgres: OwnPostgres;
const servers: ServerProcess[] = [];

describe.skipIf(!canOwnPostgres())('on a Postgres of its own', () => {
  beforeAll(async () => {
    postgres = await OwnPostgres.start();
  });

  afterAll(async () => {
    for (const server of servers) {
      await server.kill();
      server.remove();
    }
    await postgres.remove();
  });

  function serverWith(env: Record<string, string>): ServerProcess {
    const server = new ServerProcess({
      // Nobody is asked for anything, so nobody has to be there.
      simulatorUrl: 'http://127.0.0.1:9',
      env: { DATABASE_URL: postgres.url, NIGHTDESK_SECRET_KEY: secretKey, ...env },
    });
    servers.push(server);
    return server;
  }

  const set = async (setting: string) => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(`ALTER SYSTEM SET ${setting}`);
    await client.query('SELECT pg_reload_conf()');
    await client.end();
  };

  test('without the key that all processes share it does not start', async () => {
    const { code, said } = await serverWith({ NIGHTDESK_SECRET_KEY: '' }).startRefused();
    expect(code).toBe(2);
    expect(said).toContain('NIGHTDESK_SECRET_KEY is not set, and DATABASE_URL is Postgres');
  });

  test('a Postgres that is not there: one message, without the password', async () => {
    const url = new URL(postgres.url);
    url.password = 'hunter2';
    url.port = '1';
    const { code, said } = await serverWith({ DATABASE_URL: url.href }).startRefused();
    expect(code).toBe(3);
    expect(said).toContain('The database cannot be used now (ECONNREFUSED)');
    expect(said).not.toContain('hunter2');
  });

  test('commits that a crash may lose: refused in production, warned of before', async () => {
    await set('synchronous_commit = off');
    const production = serverWith({ NODE_ENV: 'production' });
    const { code, said } = await production.startRefused();
    expect(code).toBe(2);
    expect(said).toContain('synchronous_commit = off');
    const { said: findings } = await production.run(['doctor']);
    expect(findings).toContain('synchronous_commit = off');

    const development = serverWith({});
    await development.start();
    expect(await until(() => development.log.includes('synchronous_commit = off'), 10_000)).toBe(true);
    await development.stop();
    await set('synchronous_commit = on');
  });

  test('commands work beside a server', async () => {
    const server = serverWith({});
    await server.start();
    const file = {
      tenants: [{ id: 'acme', phoneNumbers: [{ id: '106540352242922', wabaId: '102290129340398' }] }],
    };
    writeFileSync(join(server.folder, 'tenants.json'), JSON.stringify(file));
    const applied = await server.run(['tenants', 'apply', 'tenants.json']);
    expect(applied).toMatchObject({ code: 0 });
    const { said } = await server.run(['tenants', 'list']);
    expect(said).toContain('acme');
    expect((await server.run(['doctor'])).said).toMatch(
      /Postgres answers within [\d.]+ ms; schema nightdesk, version 1/,
    );
    expect((await server.run(['migrate'])).said).toContain('Schema nightdesk has version 1, the newest.');
    expect((await server.run(['backup', '--out', 'copy.db'])).said).toContain('pg_dump');
  });

  test('a copy by pg_dump is restored, and what was open in it is held for a person', async () => {
    const store = await openPostgresStore({ url: postgres.url, soon: (fn) => void setImmediate(fn) });
    const scene = await openScene(async () => ({ store, close: () => store.close() }));
    await store.applyTenants({
      tenants: [{ tenantId: 'acme', name: 'Acme', phoneNumbers: [phoneNumber()] }],
      nowMs: Date.now(),
    });
    await scene.say('is anybody there?');
    await scene.close();

    const restored = new URL(postgres.url);
    restored.pathname = '/restored';
    const dump = execFileSync('pg_dump', ['--schema', 'nightdesk*', postgres.url], { maxBuffer: 2 ** 26 });
    execFileSync('psql', ['-q', '-c', 'CREATE DATABASE restored', postgres.url]);
    execFileSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', restored.href], {
      input: dump,
      stdio: ['pipe', 'ignore', 'pipe'],
    });

    const server = new ServerProcess({
      simulatorUrl: 'http://127.0.0.1:9',
      env: { DATABASE_URL: restored.href, NIGHTDESK_SECRET_KEY: secretKey },
      command: [bin, 'start', '--after-restore'],
    });
    servers.push(server);
    await server.start();
    expect(server.log).toContain('Held for a person, and not done by itself: 1 messages');
    expect((await server.run(['flags', 'list'])).said).toContain('restored');
  });
});

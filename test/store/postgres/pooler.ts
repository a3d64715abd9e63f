/**
 * A PgBouncer of a test's own, in transaction mode, before the Postgres of the tests. Debian's is 1.18: older than the first
 * that knows named statements.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from '../../proof/server-process.ts';
import { postgresUrl } from './server.ts';

const howToGet = 'PgBouncer is not installed. Install it, e.g. `apt-get install pgbouncer`.';

/** Whether the tests can run; in CI they must. */
export function isPoolerHere(): boolean {
  if (spawnSync('pgbouncer', ['--version']).status === 0) return true;
  if (process.env.CI !== undefined) throw new Error(howToGet);
  console.warn(`SKIPPED: ${howToGet}`);
  return false;
}

export interface Pooler {
  /** As DATABASE_URL names it. */
  url: string;
  stop(): void;
}

export async function startPooler(): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-pooler-'));
  const port = await freePort();
  const { hostname, port: serverPort, pathname, username, password } = new URL(postgresUrl);
  const name = pathname.slice(1);
  const login = [`user=${username}`, ...(password === '' ? [] : [`password=${password}`])].join(' ');
  const settings = [
    '[databases]',
    `${name} = host=${hostname} port=${serverPort || 5432} dbname=${name} ${login}`,
    '[pgbouncer]',
    `listen_addr = 127.0.0.1`,
    `listen_port = ${port}`,
    `unix_socket_dir =`,
    `auth_type = any`,
    `pool_mode = transaction`,
    // Fewer than its clients have: a statement meets another connection each time.
    `default_pool_size = 3`,
    `max_client_conn = 100`,
  ];
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `${settings.join('\n')}\n`);
  chmodSync(folder, 0o755);
  const child = begin(file);
  if (!(await until(() => answers(port), 10_000))) {
    child.kill('SIGKILL');
    throw new Error(`PgBouncer did not start on port ${port}; its settings are in ${file}.`);
  }
  return {
    url: `postgres://${username}@127.0.0.1:${port}/${name}?pgbouncer=true`,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** It refuses to run as root. */
function begin(file: string): ChildProcess {
  if (process.getuid?.() !== 0) return spawn('pgbouncer', ['-q', file], { stdio: 'ignore' });
  execFileSync('id', ['postgres'], { stdio: 'ignore' });
  const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];
  return spawn('setpriv', [...as, 'pgbouncer', '-q', file], { stdio: 'ignore' });
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => done(false));
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
  });
}

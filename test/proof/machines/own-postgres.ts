/**
 * A Postgres of a run's own, on a free port and in a folder of its own, so that it can be killed without anybody else noticing. It keeps
 * what it commits (`fsync` is on), as one in production does.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../server-process.ts';

const execute = promisify(execFile);

const howToGet =
  'The programs of a Postgres server are not found. Install them, e.g. `apt-get install postgresql`, so that `pg_config --bindir` names their folder.';

/** Whether a run can have one; in CI it must. */
export function canOwnPostgres(): boolean {
  try {
    return binFolder() !== '';
  } catch (error) {
    if (process.env.CI !== undefined) throw error;
    console.warn(`SKIPPED: ${howToGet}`);
    return false;
  }
}

/** Where `initdb` and `pg_ctl` are: not on the PATH on Debian. */
function binFolder(): string {
  const asked = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const folders = [
    ...(asked.status === 0 ? [asked.stdout.trim()] : []),
    ...[17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  if (found === undefined) throw new Error(howToGet);
  return found;
}

/** The server refuses to run as root; Debian makes a user for it. */
const isRoot = process.getuid?.() === 0;

export class OwnPostgres {
  readonly #folder = mkdtempSync(join(tmpdir(), 'nightdesk-postgres-'));
  readonly #bin = binFolder();
  readonly port: number;
  restarts = 0;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<OwnPostgres> {
    const server = new OwnPostgres(await freePort());
    if (isRoot) {
      const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
      );
      chownSync(server.#folder, uid, gid);
    }
    await server.#run('initdb', [
      '-D',
      server.#data,
      '-U',
      'nightdesk',
      '-A',
      'trust',
      '--no-sync',
      '-E',
      'UTF8',
    ]);
    await server.#control('start');
    return server;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  get url(): string {
    return `postgres://nightdesk@127.0.0.1:${this.port}/postgres`;
  }

  /** Of the process whose children do the work. */
  get pid(): number {
    return Number.parseInt(readFileSync(join(this.#data, 'postmaster.pid'), 'utf8'), 10);
  }

  /** As a crash: nobody is told, nothing is written that was not committed; it recovers and is there again. */
  async crash(): Promise<void> {
    this.restarts += 1;
    await this.#control('restart', '-m', 'immediate');
  }

  /** Stops it and removes all that it kept. */
  async remove(): Promise<void> {
    await this.#control('stop', '-m', 'immediate');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #control(...action: string[]): Promise<void> {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#folder} -c max_connections=100`;
    const log = join(this.#folder, 'log');
    return this.#run('pg_ctl', ['-D', this.#data, '-w', '-t', '60', '-l', log, '-o', options, ...action]);
  }

  /** Beside everything else: what imitates Meta and the model in this process goes on meanwhile. */
  async #run(program: string, args: readonly string[]): Promise<void> {
    const path = join(this.#bin, program);
    const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups', path];
    const [file, ...rest] = isRoot ? ['setpriv', ...as, ...args] : [path, ...args];
    await execute(file ?? path, rest, { cwd: this.#folder });
  }
}

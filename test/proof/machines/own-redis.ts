/**
 * A Redis of a run's own. By itself it keeps nothing: killed and started again it is empty. With `appendFsync` it keeps what it is told in
 * a file, as one does that is relied upon.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from '../server-process.ts';

/** When what is appended reaches the disk, in the words of Redis; null keeps nothing. */
export type AppendFsync = 'everysec' | 'always' | null;

const howToGet = 'redis-server is not found. Install it, e.g. `apt-get install redis-server`.';

/** Whether a run can have one; in CI it must. */
export function canOwnRedis(): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true;
  if (process.env.CI !== undefined) throw new Error(howToGet);
  console.warn(`SKIPPED: ${howToGet}`);
  return false;
}

export class OwnRedis {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'nightdesk-redis-'));
  readonly #appendFsync: AppendFsync;
  #child: ChildProcess | null = null;
  restarts = 0;

  private constructor(port: number, appendFsync: AppendFsync) {
    this.port = port;
    this.#appendFsync = appendFsync;
  }

  static async start(appendFsync: AppendFsync = null): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), appendFsync);
    await redis.#begin().catch(async (error: unknown) => {
      await redis.stop();
      throw error;
    });
    return redis;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** SIGKILL, and started again with what it kept. */
  async crash(): Promise<void> {
    this.restarts += 1;
    await this.#kill();
    await this.#begin();
  }

  async stop(): Promise<void> {
    await this.#kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  async #begin(): Promise<void> {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const fsync = this.#appendFsync;
    const kept = fsync === null ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', fsync];
    const args = [...place, '--save', '', ...kept, '--maxmemory-policy', 'noeviction'];
    this.#child = spawn('redis-server', args, { stdio: 'ignore' });
    this.#child.once('error', () => {});
    if (!(await until(() => this.#answers(), 10_000)))
      throw new Error('redis-server did not start. Install it, e.g. `apt-get install redis-server`.');
  }

  #answers(): Promise<boolean> {
    return new Promise((done) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.once('error', () => done(false));
      socket.once('connect', () => {
        socket.destroy();
        done(true);
      });
    });
  }
}

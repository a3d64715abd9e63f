/**
 * The servers of a run with many processes: two that take webhooks and three that work, as an operator runs them, on one Postgres. Each
 * is killed and started again at will; a balancer stands before the webhooks, and another one before the workers where wakes are requests.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ServerProcess } from '../server-process.ts';
import { Balancer } from './balancer.ts';

/** This version. */
export const bin = resolve(import.meta.dirname, '../../../bin/nightdesk');
export const secretKey = 'a key that all processes of a fleet have in common';

export interface FleetOptions {
  simulatorUrl: string;
  postgresUrl: string;
  /** What a wake needs: WAKE, REDIS_URL, ... */
  env: Record<string, string>;
  /** Where wakes come in as requests, for the workers. */
  wakePort?: number | undefined;
  webhooks: number;
  workers: number;
  /** The whole of nightdesk.config.ts. */
  config: string;
  /** One process has all roles; a balancer's address is then for all of them. */
  allRoles?: boolean;
  /** Of another version to begin with. */
  bin?: string;
}

const rolesOfWebhook = 'webhook';
const rolesOfWorker = 'turn,activity,outbox';
const commandOf = (program: string, roles: string | null) => [
  program,
  'start',
  ...(roles === null ? [] : ['--roles', roles]),
];

export class Fleet {
  readonly webhooks: readonly ServerProcess[];
  readonly workers: readonly ServerProcess[];
  readonly #files = mkdtempSync(join(tmpdir(), 'nightdesk-fleet-'));
  readonly #wakePort: number | undefined;
  #balancer: Balancer | null = null;
  #wakeBalancer: Balancer | null = null;

  constructor(options: FleetOptions) {
    this.#wakePort = options.wakePort;
    const make = (roles: string) =>
      new ServerProcess({
        simulatorUrl: options.simulatorUrl,
        config: options.config,
        command: commandOf(options.bin ?? bin, options.allRoles === true ? null : roles),
        env: {
          DATABASE_URL: options.postgresUrl,
          NIGHTDESK_SECRET_KEY: secretKey,
          FILES_URL: `folder:${this.#files}`,
          ...options.env,
        },
      });
    this.webhooks = Array.from({ length: options.webhooks }, () => make(rolesOfWebhook));
    this.workers = Array.from({ length: options.workers }, () => make(rolesOfWorker));
  }

  get all(): readonly ServerProcess[] {
    return [...this.webhooks, ...this.workers];
  }

  get kills(): number {
    return this.all.reduce((sum, each) => sum + each.kills, 0);
  }

  /** Where Meta posts. */
  get url(): string {
    return this.#balancer?.url ?? '';
  }

  get passedOn(): number {
    return this.#balancer?.passedOn ?? 0;
  }

  async start(): Promise<void> {
    for (const each of this.all) await each.start();
    const doors = this.webhooks.length > 0 ? this.webhooks : this.workers;
    this.#balancer = await Balancer.start(doors.map((each) => () => each.url));
    if (this.#wakePort !== undefined)
      this.#wakeBalancer = await Balancer.start(
        this.workers.map((each) => () => each.url),
        this.#wakePort,
      );
  }

  /** Runs a command line beside the servers; what it prints is JSON. */
  async command<T>(...args: string[]): Promise<T> {
    const [any] = this.all;
    if (any === undefined) throw new Error('A fleet has a process.');
    const { code, said } = await any.run([...args, '--json']);
    // 1: a check found something, which its answer says.
    if (code !== 0 && code !== 1) throw new Error(`nightdesk ${args.join(' ')} ended with ${code}: ${said}`);
    return JSON.parse(said.slice(said.search(/[[{]/))) as T;
  }

  async applyTenants(file: object): Promise<void> {
    const path = join(this.#files, 'tenants.json');
    writeFileSync(path, JSON.stringify(file));
    await this.command('tenants', 'apply', path);
  }

  /** Replaces one process by one of this version, as a rolling deploy does: a signal, and when it has ended the new one. */
  async redeploy(server: ServerProcess): Promise<void> {
    await server.stop();
    server.deploy(commandOf(bin, this.webhooks.includes(server) ? rolesOfWebhook : rolesOfWorker));
    await server.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((each) => each.stop()));
    await this.#balancer?.close();
    await this.#wakeBalancer?.close();
  }

  remove(): void {
    for (const each of this.all) each.remove();
    rmSync(this.#files, { recursive: true, force: true });
  }
}

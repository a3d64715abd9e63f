/**
 * Redis for tests: the shared one, where each test has a prefix of its own, and servers of a test's own on a free port,
 * which it may kill, empty and pause.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { readRedisUrl } from '#runtime/redis-url.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type RealWorld } from '#runtime/world/real-world.ts';
import type { RedisTarget } from '#wake/bullmq/target.ts';

const sharedUrl = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';

/** Why tests on the shared Redis cannot run here and how to mend it, or null where they can. @throws under CI */
export async function whyNoRedis(): Promise<string | null> {
  const client = new Redis(sharedUrl, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 2_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
    return null;
  } catch {
    const why = `Redis does not answer at ${new URL(sharedUrl).host}. Start it with "redis-server --port 6379", or set TEST_REDIS_URL to another one.`;
    if (process.env.CI) throw new Error(why);
    return why;
  } finally {
    client.disconnect();
  }
}

/** The same for tests that start a server of their own. @throws under CI */
export function whyNoServer(): string | null {
  if (spawnSync('redis-server', ['--version']).status === 0) return null;
  const why = 'The program redis-server is not there. Install it, e.g. with "apt-get install redis-server".';
  if (process.env.CI) throw new Error(why);
  return why;
}

/** A queue that nobody else uses, on the shared Redis. */
export function ownQueue(): RedisTarget {
  return { ...readRedisUrl(sharedUrl), prefix: `{test-${randomUUID()}}` };
}

/** Forgets all keys of a queue. */
export async function forget({ nodes, prefix }: RedisTarget): Promise<void> {
  const [{ host, port } = { host: '127.0.0.1', port: 6_379 }] = nodes;
  const client = new Redis({ host, port });
  try {
    const keys = await client.keys(`${prefix.replace(/[{}]/g, '\\$&')}*`);
    if (keys.length > 0) await client.del(keys);
  } finally {
    client.disconnect();
  }
}

export interface RedisServer {
  readonly port: number;
  readonly target: RedisTarget;
  /** Starts again after `kill`, empty. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** It lives and says nothing, as behind a cut; `resume` ends it. */
  pause(): void;
  resume(): void;
  /** One command over a connection of its own. */
  command(...words: [string, ...string[]]): Promise<unknown>;
  close(): Promise<void>;
}

/** A server of the test's own, on a free port and without a file. */
export async function startRedis(
  options: { args?: (port: number) => string[]; url?: (port: number) => string } = {},
): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-redis-'));
  const { args = () => [], url = (at) => `redis://127.0.0.1:${at}` } = options;
  let child: ChildProcess | null = null;
  const server: RedisServer = {
    port,
    target: readRedisUrl(url(port)),
    async start() {
      const all = [
        '--port',
        String(port),
        '--save',
        '',
        '--dir',
        folder,
        '--loglevel',
        'warning',
        ...args(port),
      ];
      const started = spawn('redis-server', all, { stdio: 'ignore' });
      child = started;
      const client = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
      client.on('error', () => {});
      const ended = new Promise<never>((_, reject) => {
        started.once('error', reject);
        started.once('exit', (code) => reject(new Error(`redis-server on port ${port} ended with ${code}.`)));
      });
      try {
        await Promise.race([client.ping(), ended]);
      } finally {
        // What it says of its end later, nobody waits for.
        ended.catch(() => {});
        client.disconnect();
      }
    },
    async kill() {
      const killed = child;
      child = null;
      if (killed === null || killed.exitCode !== null || killed.signalCode !== null) return;
      const gone = new Promise((resolve) => killed.once('exit', resolve));
      killed.kill('SIGKILL');
      await gone;
    },
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    async command(name, ...words) {
      const client = new Redis({ port });
      try {
        return await client.call(name, ...words);
      } finally {
        client.disconnect();
      }
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** For what else a server listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export interface TestWorld extends RealWorld {
  /** What was logged as a warning or worse. */
  readonly warnings: string[];
  until(holds: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
}

export function openTestWorld(): TestWorld {
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  const warnings: string[] = [];
  const warn = (_fields: Record<string, unknown>, message: string) => {
    warnings.push(message);
  };
  const nothing = () => {};
  const pollMs = 5;
  return {
    ...world,
    log: { debug: nothing, info: nothing, warn, error: warn },
    warnings,
    async until(holds, withinMs = 20_000) {
      const untilMs = world.clock.monotonicMs() + withinMs;
      while (!(await holds())) {
        if (world.clock.monotonicMs() > untilMs) throw new Error(`It did not come within ${withinMs} ms.`);
        await new Promise<void>((resolve) => world.timers.after(pollMs, resolve));
      }
    },
  };
}

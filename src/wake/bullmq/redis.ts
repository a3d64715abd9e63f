/**
 * Where Redis is, and how it is spoken to. Three uses need three tempers: who adds must hear at once that Redis is away;
 * who takes waits for it to come back, however long; the operator's page waits as well. To add a setting, add it to
 * `RedisTarget` and to the URL (`runtime/redis-url.ts`).
 */
import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { limits } from '#core/limits.ts';
import { codeOf } from '#core/model/faults.ts';
import type { RedisTarget } from './target.ts';

export type RedisClient = Redis | Cluster;
export type RedisUse = 'adding' | 'taking' | 'watching';
type Library = Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>;

export interface RedisLink {
  client: RedisClient;
  /** The code of what Redis, or the way to it, said against the connection of now. */
  trouble(): string | null;
  /** Notes that the connection of now may be dead: a cut tells nobody. */
  suspect(): void;
  /** Lets go of one that is suspected, for a new one. What was asked over it by somebody patient is asked again. */
  renew(): void;
  /** Ends it and the copies that BullMQ made of it, whatever waits on them. */
  end(): void;
}

const keepAliveMs = 10_000;
/** A connection that was ended and does not close is destroyed after this; the process lives as long. */
const endMsMax = 200;

/** Connects at once, and again whenever it is lost. */
export function connectRedis(library: Library, target: RedisTarget, use: RedisUse): RedisLink {
  const { username, password, tls } = target;
  const retry = () => limits.wakeRetryMs;
  const each: RedisOptions = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: limits.wakeAnswerMsMax,
    keepAlive: keepAliveMs,
    disconnectTimeout: endMsMax,
    ...temperOf(use),
  };
  const copies: RedisClient[] = [];
  const keep = <T extends RedisClient>(copy: T): T => {
    copy.on('error', () => {});
    copies.push(copy);
    return copy;
  };
  const client = target.isCluster
    ? new (clusterThatKeeps(library, keep))(target.nodes, {
        ...clusterOf(use, tls),
        redisOptions: each,
        clusterRetryStrategy: retry,
      })
    : new (redisThatKeeps(library, keep))({
        ...target.nodes[0],
        db: target.database,
        ...each,
        retryStrategy: retry,
      });
  let trouble: string | null = null;
  client.on('error', (error) => {
    trouble = troubleOf(error);
  });
  let isSuspected = false;
  client.on('ready', () => {
    trouble = null;
    isSuspected = false;
  });
  return {
    client,
    trouble: () => trouble,
    suspect: () => {
      isSuspected = true;
    },
    renew: () => {
      // One that is being connected must not be disturbed: it would wait for ever.
      if (isSuspected && client.status === 'ready') client.disconnect(true);
    },
    end: () => {
      for (const each of [client, ...copies]) each.disconnect();
    },
  };
}

/** `ECONNREFUSED`, `WRONGPASS`, `OOM`, ...: the code of the system, or the word with which every error of Redis begins. */
export function troubleOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  return codeOf(error)?.toString() ?? /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? null;
}

type Keep = <T extends RedisClient>(copy: T) => T;

function redisThatKeeps(library: Library, keep: Keep): typeof Redis {
  return class extends library.Redis {
    override duplicate(override?: Partial<RedisOptions>): Redis {
      return keep(super.duplicate(override));
    }
  };
}

function clusterThatKeeps(library: Library, keep: Keep): typeof Cluster {
  return class extends library.Cluster {
    override duplicate(nodes?: ClusterNode[], options?: ClusterOptions): Cluster {
      return keep(super.duplicate(nodes, options));
    }
  };
}

function temperOf(use: RedisUse): RedisOptions {
  if (use !== 'adding') return { maxRetriesPerRequest: null };
  return { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: limits.wakeAnswerMsMax };
}

function clusterOf(use: RedisUse, tls: boolean): ClusterOptions {
  return {
    ...(use === 'adding' ? { enableOfflineQueue: false } : {}),
    // A certificate names hosts; looked up first, they would be addresses.
    ...(tls
      ? { dnsLookup: (host: string, done: (error: null, host: string) => void) => done(null, host) }
      : {}),
  };
}

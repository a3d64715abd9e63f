/**
 * The recipe's Redis: one client with automatic pipelining for its own keys, and the token bucket that paces a
 * waba. The client is loaded by name, so that a checkout without Redis and without ioredis can still be checked and
 * measured; only what the recipe calls is declared.
 */
interface Pipeline {
  rpush(key: string, ...values: string[]): Pipeline;
  ltrim(key: string, start: number, stop: number): Pipeline;
  lrange(key: string, start: number, stop: number): Pipeline;
  hset(key: string, values: Record<string, string>): Pipeline;
  expire(key: string, seconds: number): Pipeline;
  exec(): Promise<[Error | null, unknown][] | null>;
}

export interface Redis {
  set(key: string, value: string, ex: 'EX', seconds: number, nx: 'NX'): Promise<'OK' | null>;
  multi(): Pipeline;
  pipeline(): Pipeline;
  defineCommand(name: string, definition: { numberOfKeys: number; lua: string }): void;
  takeToken(key: string, perSecond: number, nowMs: number): Promise<number>;
  quit(): Promise<string>;
}

interface RedisOptions {
  maxRetriesPerRequest: null;
  enableAutoPipelining?: boolean;
}

/** Everything the recipe writes begins with this. */
export const keyPrefix = 'nightdesk-bench';

/** Returns 0 where a token was taken, else how many milliseconds to wait for one. A second's worth may be saved up. */
const takeTokenLua = `
local rate = tonumber(ARGV[1])
local now = tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or rate
local at = tonumber(bucket[2]) or now
tokens = math.min(rate, tokens + math.max(0, now - at) * rate / 1000)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) * 1000 / rate) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], 60000)
return wait`;

export async function connectRedis(url: string, options: { autoPipelining: boolean }): Promise<Redis> {
  const name: string = 'ioredis';
  const client = (await import(name)) as { Redis: new (url: string, options: RedisOptions) => Redis };
  const redis = new client.Redis(url, {
    maxRetriesPerRequest: null,
    enableAutoPipelining: options.autoPipelining,
  });
  redis.defineCommand('takeToken', { numberOfKeys: 1, lua: takeTokenLua });
  return redis;
}

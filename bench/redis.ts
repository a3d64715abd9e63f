/**
 * What the bench itself needs of Redis: whether it answers, and what it costs. Two inline commands over a bare socket, so
 * that nothing of a client library runs in the process that measures.
 */
import { connect } from 'node:net';

export const redisUrl = process.env.BENCH_REDIS_URL ?? 'redis://127.0.0.1:6379/9';

const answerTimeoutMs = 2_000;

/** Sends one command without arguments of its own kind and returns the raw answer. */
async function ask(command: string): Promise<string> {
  const { hostname, port } = new URL(redisUrl);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 6379) });
    let answer = '';
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error('no answer in time')));
    socket.on('connect', () => socket.write(`${command}\r\nQUIT\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

/** Why the recipe cannot run here and how to mend it, or null where it can. */
export async function whyNoRecipe(): Promise<string | null> {
  try {
    import.meta.resolve('ioredis');
  } catch {
    return 'the package ioredis, which the recipe and BullMQ use, is not installed. Run "npm install --save-dev ioredis".';
  }
  const answer = await ask('PING').catch(() => '');
  if (answer.startsWith('+PONG')) return null;
  return `Redis does not answer at ${new URL(redisUrl).host}. Start it with "redis-server --port 6379", or set BENCH_REDIS_URL to another one.`;
}

/** CPU time of the Redis server so far; NaN where it does not say. */
export async function redisCpuMs(): Promise<number> {
  const info = await ask('INFO cpu').catch(() => '');
  const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? Number.NaN);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000;
}

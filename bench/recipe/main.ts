/**
 * The usual recipe, as a competent team would write it: webhook, dedupe and statuses in Redis, a BullMQ queue, a worker,
 * in one process as Nightdesk is. Where a choice was to be made, the faster one was: automatic pipelining, finished work
 * removed at once, tools and model built once, no logging. It asks the model by the same SDK with the same options.
 *
 * It uses the platform's fetch, as most do. RECIPE_HTTP=nightdesk gives it Nightdesk's own HTTP client instead, which
 * tells how much of a difference is the client's. RECIPE_WORKER=off leaves the webhook alone, for the measure of acks.
 */
import { Queue, Worker } from 'bullmq';
import { fetchOver } from '#runtime/models/fetch-over-http.ts';
import { createHttpClient } from '#runtime/world/http-client.ts';
import { createAnswer } from './answer.ts';
import { connectRedis, keyPrefix } from './redis.ts';
import { createDoor, type Incoming } from './webhook.ts';

const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; bench/contestants.ts sets it.`);
  return value;
};

const queueName = 'messages';
const workerConcurrency = 50;
const redisUrl = setting('REDIS_URL');

const redis = await connectRedis(redisUrl, { autoPipelining: true });
const queueRedis = await connectRedis(redisUrl, { autoPipelining: false });

const answer = createAnswer({
  redis,
  fetch: process.env.RECIPE_HTTP === 'nightdesk' ? fetchOver(createHttpClient()) : globalThis.fetch,
  graphUrl: setting('GRAPH_API_URL'),
  accessToken: setting('WHATSAPP_ACCESS_TOKEN'),
  anthropicUrl: setting('ANTHROPIC_BASE_URL'),
  anthropicKey: setting('ANTHROPIC_API_KEY'),
  model: setting('ASSISTANT_MODEL'),
  sendsPerSecondMax: Number(setting('SENDS_PER_SECOND_MAX')),
  historyMessagesMax: Number(setting('HISTORY_MESSAGES_MAX')),
});

// BullMQ declares its connection by ioredis' own types; the client is made by our narrow ones.
const connection = queueRedis as never;
const queue = new Queue<Incoming>(queueName, { connection, prefix: keyPrefix });
const worker =
  process.env.RECIPE_WORKER === 'off'
    ? null
    : new Worker<Incoming>(queueName, (message) => answer(message.data), {
        connection,
        prefix: keyPrefix,
        concurrency: workerConcurrency,
      });
worker?.on('error', (error) => console.error(error));
const door = createDoor({ redis, queue, appSecret: setting('WHATSAPP_APP_SECRET') });

process.once('SIGTERM', async () => {
  await door.close();
  await worker?.close();
  await queue.close();
  await Promise.all([redis.quit(), queueRedis.quit()]);
  process.exit(0);
});

await door.listen({ host: '127.0.0.1', port: Number(setting('PORT')) });

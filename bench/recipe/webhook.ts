/**
 * The recipe's door: Fastify, the signature over the raw body, one SET NX EX per wamid against repeats, one BullMQ add
 * per message, one hash per status. The answer is given when Redis has it all.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Queue } from 'bullmq';
import Fastify, { type FastifyInstance } from 'fastify';
import { keyPrefix, type Redis } from './redis.ts';

/** What the worker gets. */
export interface Incoming {
  wamid: string;
  from: string;
  phoneNumberId: string;
  wabaId: string;
  text: string;
}

interface WebhookMessage {
  id: string;
  from: string;
  type: string;
  text?: { body: string };
}

interface WebhookStatus {
  id: string;
  status: string;
  timestamp: string;
}

interface WebhookBody {
  entry?: {
    id: string;
    changes: {
      value: {
        metadata: { phone_number_id: string };
        messages?: WebhookMessage[];
        statuses?: WebhookStatus[];
      };
    }[];
  }[];
}

const dedupeSeconds = 86_400;
const statusKeepSeconds = 7 * 86_400;

export interface DoorOptions {
  redis: Redis;
  queue: Queue<Incoming>;
  appSecret: string;
}

export function createDoor({ redis, queue, appSecret }: DoorOptions): FastifyInstance {
  const app = Fastify({ bodyLimit: 3 * 1024 * 1024 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.post('/webhooks/whatsapp', async (request, reply) => {
    const raw = request.body as Buffer;
    if (!isGenuine(appSecret, raw, request.headers['x-hub-signature-256'])) return reply.code(401).send();
    await take(JSON.parse(raw.toString('utf8')) as WebhookBody, redis, queue);
    return reply.code(200).send();
  });
  return app;
}

function isGenuine(appSecret: string, body: Buffer, signature: unknown): boolean {
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  const wanted = Buffer.from(`sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function take({ entry = [] }: WebhookBody, redis: Redis, queue: Queue<Incoming>): Promise<void> {
  const work: Promise<unknown>[] = [];
  for (const { id: wabaId, changes } of entry) {
    for (const { value } of changes) {
      const phoneNumberId = value.metadata.phone_number_id;
      for (const { id: wamid, from, text } of value.messages ?? [])
        work.push(takeMessage({ wamid, from, phoneNumberId, wabaId, text: text?.body ?? '' }, redis, queue));
      for (const status of value.statuses ?? []) work.push(takeStatus(status, redis));
    }
  }
  await Promise.all(work);
}

async function takeMessage(incoming: Incoming, redis: Redis, queue: Queue<Incoming>): Promise<void> {
  const isNew = await redis.set(`${keyPrefix}:seen:${incoming.wamid}`, '1', 'EX', dedupeSeconds, 'NX');
  if (isNew === null) return;
  await queue.add('message', incoming, {
    attempts: 5,
    backoff: { type: 'exponential', delay: 500 },
    removeOnComplete: true,
    removeOnFail: 1_000,
  });
}

async function takeStatus({ id, status, timestamp }: WebhookStatus, redis: Redis): Promise<void> {
  const isNew = await redis.set(`${keyPrefix}:seen:${id}:${status}`, '1', 'EX', dedupeSeconds, 'NX');
  if (isNew === null) return;
  const key = `${keyPrefix}:status:${id}`;
  await redis
    .pipeline()
    .hset(key, { [status]: timestamp })
    .expire(key, statusKeepSeconds)
    .exec();
}

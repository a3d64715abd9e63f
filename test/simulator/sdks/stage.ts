/**
 * What a public SDK meets: a started simulator on a real port, and a webhook receiver that keeps the bytes and headers
 * that came, so that an SDK's own verifier can judge them. The clock is the test's; only I/O is waited for.
 */
import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Simulator, type SimulatorSetup, startSimulator } from '#simulator/index.ts';
import { NUMBER_ID, START_MS, seededRandom, WABA_ID } from '../virtual-meta.ts';

export { NUMBER_ID, PHONE, WABA_ID } from '../virtual-meta.ts';

export const APP_SECRET = 'the app secret';
export const VERIFY_TOKEN = 'the verify token';
export const TOKEN = 'a-good-token';
export const EXPIRED_TOKEN = 'an-expired-token';
/** Each status comes this long after the one before. */
export const STEP_MS = 1_000;
/** A number that may send one message a second. */
export const SLOW_NUMBER_ID = '106540352242923';

/** A file that nobody but the test knows, so that bytes that come back are the ones that went. */
export const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

export interface CaughtWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What the receiver answers to Meta's verification GET. */
export type AnswerHandshake = (url: URL) => Promise<{ status: number; body: string }>;

export interface Stage {
  readonly simulator: Simulator;
  readonly url: string;
  advance(ms: number): void;
  /** The next webhook that comes, or came and was not taken yet. */
  nextWebhook(): Promise<CaughtWebhook>;
  /** A contact writes, so that the service window is open; its webhook is taken off the receiver. */
  hear(contact: string, phoneNumberId?: string): Promise<{ wamid: string; webhook: CaughtWebhook }>;
  answerHandshake: AnswerHandshake;
  close(): Promise<void>;
}

function createWorld() {
  let nowMs = START_MS;
  let timers: Array<{ atMs: number; fn: () => void }> = [];
  return {
    nowMs: () => nowMs,
    random: seededRandom(7),
    setTimer(delayMs: number, fn: () => void) {
      const timer = { atMs: nowMs + delayMs, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    advance(ms: number) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        timers = timers.filter((each) => each !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.fn();
      }
      nowMs = untilMs;
    },
  };
}

async function createReceiver(answerHandshake: AnswerHandshake) {
  const arrived: CaughtWebhook[] = [];
  const waiting: Array<(caught: CaughtWebhook) => void> = [];
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      void answerHandshake(new URL(request.url ?? '/', 'http://receiver')).then(({ status, body }) =>
        response.writeHead(status, { 'content-type': 'text/plain' }).end(body),
      );
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200).end();
      const caught = { headers: request.headers, body: Buffer.concat(chunks) };
      const waiter = waiting.shift();
      if (waiter) waiter(caught);
      else arrived.push(caught);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/whatsapp`,
    next: () =>
      new Promise<CaughtWebhook>((resolve) => {
        const caught = arrived.shift();
        if (caught) resolve(caught);
        else waiting.push(resolve);
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function openStage(more: SimulatorSetup = {}): Promise<Stage> {
  const world = createWorld();
  const receiver = await createReceiver((url) => stage.answerHandshake(url));
  const everyStep = { minMs: STEP_MS, maxMs: STEP_MS };
  const simulator = await startSimulator({
    world,
    setup: {
      appSecret: APP_SECRET,
      verifyToken: VERIFY_TOKEN,
      webhookUrl: receiver.url,
      accessTokens: [TOKEN, { token: EXPIRED_TOKEN, expired: true }],
      phoneNumbers: [
        { id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881', verifiedName: 'Jasper’s Market' },
        { id: SLOW_NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3882', throughputPerSecond: 1 },
      ],
      timings: { sentMs: everyStep, deliveredMs: everyStep, readMs: everyStep },
      ...more,
    },
  });
  const stage: Stage = {
    simulator,
    url: simulator.url,
    advance: (ms) => world.advance(ms),
    nextWebhook: () => receiver.next(),
    async hear(contact, phoneNumberId = NUMBER_ID) {
      const request = { phoneNumberId, contact, type: 'text', text: 'Grüße/👍 <hello> 100% @home' };
      const { wamid } = await simulator.control.say(request);
      return { wamid, webhook: await receiver.next() };
    },
    answerHandshake: async () => ({ status: 404, body: '' }),
    async close() {
      await simulator.close();
      await receiver.close();
    },
  };
  return stage;
}

/** Every way in which bytes may differ from what was signed, as a proxy or a parser in between would change them. */
export function changedBodies(body: Buffer): Record<string, Buffer> {
  const flipped = body.toString('latin1').replace('"messaging_product":"w', '"messaging_product":"v');
  return {
    'one bit flipped': Buffer.from(flipped, 'latin1'),
    'a byte more': Buffer.concat([body, Buffer.from(' ')]),
    'written anew from what was parsed': Buffer.from(JSON.stringify(JSON.parse(body.toString('utf8')))),
  };
}

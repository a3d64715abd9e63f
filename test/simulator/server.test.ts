/**
 * The shell over real HTTP: real sockets, but a clock and timers that the test moves, so nothing is waited for except I/O.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type SimulatorOptions, type SimulatorWorld, startSimulator } from '#simulator/index.ts';
import { changesOf, NUMBER_ID, PHONE, START_MS, seededRandom, WABA_ID } from './virtual-meta.ts';

interface Reply {
  readonly status: number;
  readonly text: string;
}

function createWorld(): SimulatorWorld & { advance(ms: number): void } {
  let nowMs = START_MS;
  let timers: Array<{ atMs: number; fn: () => void }> = [];
  const random = seededRandom(1);
  return {
    nowMs: () => nowMs,
    setTimer(delayMs, fn) {
      const timer = { atMs: nowMs + delayMs, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    random,
    advance(ms) {
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

function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A webhook receiver; `next()` resolves with the next body that came or had come. */
async function createReceiver() {
  const arrived: string[] = [];
  const waiting: Array<(text: string) => void> = [];
  const statuses: number[] = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const challenge = new URL(request.url ?? '/', 'http://x').searchParams.get('hub.challenge');
      response.writeHead(statuses.shift() ?? 200).end(challenge ?? 'ok');
      if (challenge !== null) return;
      const waiter = waiting.shift();
      if (waiter) waiter(text);
      else arrived.push(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/whatsapp`,
    statuses,
    next: () =>
      new Promise<string>((resolve) => {
        const text = arrived.shift();
        if (text === undefined) waiting.push(resolve);
        else resolve(text);
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const closers: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(more: Partial<SimulatorOptions> = {}) {
  const world = createWorld();
  const receiver = await createReceiver();
  const simulator = await startSimulator({
    world,
    setup: {
      webhookUrl: receiver.url,
      accessTokens: ['token'],
      phoneNumbers: [{ id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881' }],
    },
    ...more,
  });
  closers.push(() => simulator.close(), receiver.close);
  const sendText = (text: string) =>
    send(
      'POST',
      `${simulator.metaUrl}/v26.0/${NUMBER_ID}/messages`,
      { messaging_product: 'whatsapp', to: PHONE, type: 'text', text: { body: text } },
      { authorization: 'Bearer token' },
    );
  return { world, receiver, simulator, sendText, url: simulator.url };
}

describe('the simulator over HTTP', () => {
  it('shakes hands, delivers what is said, takes the answer, tells its statuses', async () => {
    const { world, receiver, simulator, sendText, url } = await start();
    const always6s = { minMs: 6_000, maxMs: 6_000 };
    const timings = { sentMs: always6s, deliveredMs: always6s, readMs: always6s };
    await simulator.control.setup({ timings });
    const shaken = await send('POST', `${url}/_sim/handshake`, {});
    expect(JSON.parse(shaken.text)).toMatchObject({ ok: true, httpStatus: 200 });
    const request = { phoneNumberId: NUMBER_ID, contact: PHONE, type: 'text', text: 'hi' };
    const said = await send('POST', `${url}/_sim/say`, request);
    expect(said.status).toBe(200);
    expect(changesOf(await receiver.next())[0]?.value.messages?.[0]).toMatchObject({ text: { body: 'hi' } });
    const answer = await sendText('hello');
    expect(answer.status).toBe(200);
    for (const status of ['sent', 'delivered', 'read']) {
      world.advance(6_000);
      expect(changesOf(await receiver.next())[0]?.value.statuses?.[0]?.status).toBe(status);
    }
    const history = await simulator.control.messages({ phoneNumberId: NUMBER_ID, contact: PHONE });
    expect(history.map(({ direction, text, status }) => [direction, text, status])).toEqual([
      ['in', 'hi', 'sent'],
      ['out', 'hello', 'read'],
    ]);
    expect(await simulator.control.accepted()).toMatchObject([{ text: 'hello', answerLost: null }]);
  });

  it('loses answers on the wire although the sends are accepted', async () => {
    const { world, simulator, sendText } = await start();
    await simulator.control.setFaults({ loseAnswer: { next: 1 } });
    await expect(sendText('lost')).rejects.toThrow(/hang up/);
    await simulator.control.setFaults({ loseAnswerAfterHeaders: { next: 1, stallMs: 0 } });
    await expect(sendText('broken')).rejects.toThrow(/aborted/);
    world.advance(0);
    const accepted = await simulator.control.accepted();
    expect(accepted.map(({ text, answerLost }) => [text, answerLost])).toEqual([
      ['lost', 'socket'],
      ['broken', 'headers'],
    ]);
  });

  it('holds an answer until the sent webhook was answered', async () => {
    const { receiver, simulator, sendText } = await start();
    await simulator.control.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'hi' });
    await receiver.next();
    await simulator.control.setFaults({ statusBeforeAnswer: { next: 1 } });
    const answering = sendText('held');
    expect(changesOf(await receiver.next())[0]?.value.statuses?.[0]?.status).toBe('sent');
    expect((await answering).status).toBe(200);
  });

  it('retries over HTTP when told that the outage is over', async () => {
    const { receiver, simulator } = await start();
    receiver.statuses.push(503);
    const failed = new Promise<void>((resolve) => {
      simulator.meta.log.listen((event) => {
        if (event.kind === 'webhookFailed') resolve();
      });
    });
    await simulator.control.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'hi' });
    const first = await receiver.next();
    await failed;
    expect(await simulator.control.retryWebhooks()).toBe(1);
    expect(await receiver.next()).toBe(first);
  });

  it('answers as the model, streams, and notices a client that goes away', async () => {
    const { simulator } = await start();
    const headers = { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' };
    const body = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
    const plain = await send('POST', `${simulator.anthropicUrl}/v1/messages`, body, headers);
    expect(JSON.parse(plain.text).content).toEqual([{ type: 'text', text: 'Echo: hi' }]);
    const streamed = await send(
      'POST',
      `${simulator.anthropicUrl}/v1/messages`,
      { ...body, stream: true },
      headers,
    );
    expect(streamed.text).toContain('event: message_stop');
    const hanging = { ...body, messages: [{ role: 'user', content: '!hang' }] };
    const outgoing = http.request(`${simulator.anthropicUrl}/v1/messages`, { method: 'POST', headers });
    outgoing.on('error', () => {});
    const ended = new Promise<string>((resolve) => {
      simulator.meta.log.listen((event) => {
        if (event.kind === 'modelCalled') outgoing.destroy();
        if (event.kind === 'modelEnded') resolve(event.outcome);
      });
    });
    outgoing.end(JSON.stringify(hanging));
    expect(await ended).toBe('aborted');
    expect(await simulator.control.modelStats()).toMatchObject({ calls: 3, running: 0 });
  });

  it('streams events live, from a sequence number on', async () => {
    const { simulator, url } = await start();
    await simulator.control.createContact({ phone: PHONE, name: 'Before' });
    const text = await new Promise<string>((resolve) => {
      http.get(`${url}/_sim/events?after=0`, (incoming) => {
        let got = '';
        incoming.on('data', (chunk) => {
          got += chunk;
          if (got.includes('event: said')) {
            incoming.destroy();
            resolve(got);
          } else if (got.includes('Before')) {
            void simulator.control.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'live' });
          }
        });
        incoming.on('error', () => {});
      });
    });
    expect(text).toMatch(/event: contactCreated\ndata: \{.*"name":"Before"/);
    expect(text).toMatch(/id: \d+\nevent: said\ndata: \{.*"text":"live"/);
  });

  it('serves the page for phones', async () => {
    const { simulator, url } = await start();
    const created = await send('POST', `${url}/_sim/contacts`, { phone: '+1 650 555 1234', name: 'Ann' });
    const { contact } = JSON.parse(created.text);
    await send('POST', `${url}/_sim/say`, { phoneNumberId: NUMBER_ID, contact: contact.id, text: 'hi' });
    expect(JSON.parse((await send('GET', `${url}/_sim/numbers`)).text).numbers).toMatchObject([
      { id: NUMBER_ID, displayNumber: '+1 555 078 3881' },
    ]);
    expect(JSON.parse((await send('GET', `${url}/_sim/contacts/${contact.id}`)).text).contact.phone).toBe(
      PHONE,
    );
    const conversations = JSON.parse((await send('GET', `${url}/_sim/conversations`)).text).conversations;
    expect(conversations).toMatchObject([{ contact: { name: 'Ann' }, lastMessage: { text: 'hi' } }]);
    const refused = await send('POST', `${url}/_sim/say`, { phoneNumberId: 'x' });
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([404, expect.stringContaining('setup')]);
    expect((await send('GET', `${url}/_sim/nothing`)).status).toBe(404);
    expect((await send('PATCH', `${url}/_sim/contacts/${PHONE}`, { receipts: 'sent' })).status).toBe(200);
    const { lastSeq: before } = JSON.parse((await send('GET', `${url}/_sim/log`)).text);
    await simulator.control.reset();
    expect(await simulator.control.counters()).toMatchObject({ accepted: 0, said: 0 });
    const after = JSON.parse((await send('GET', `${url}/_sim/log?after=${before}`)).text);
    expect(after.events).toEqual([
      { seq: before + 1, atMs: expect.any(Number), kind: 'reset', everything: false },
    ]);
  });

  it('gives the bytes of media only with a token', async () => {
    const { receiver, simulator } = await start();
    await simulator.control.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' });
    const message = changesOf(await receiver.next())[0]?.value.messages?.[0];
    const { url } = message!.image as { url: string };
    expect(url.startsWith(simulator.url)).toBe(true);
    expect((await send('GET', url)).status).toBe(401);
    expect((await send('GET', url, undefined, { authorization: 'Bearer token' })).status).toBe(200);
  });

  it('leaves other paths to the caller', async () => {
    const { url } = await start({
      staticHandler: (request, response) => {
        if (request.url !== '/') return false;
        response.end('page');
        return true;
      },
    });
    expect((await send('GET', `${url}/`)).text).toBe('page');
    expect((await send('GET', `${url}/other`)).status).toBe(404);
  });
});

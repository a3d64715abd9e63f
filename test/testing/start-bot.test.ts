/** A whole bot in one process: what a bot's author writes, and what it says when a story goes another way. */
import { afterEach, describe, expect, test } from 'vitest';
import { type Bot, type BotOptions, NotSeen, startBot } from '#testing/index.ts';

const hourMs = 3_600_000;
const bots: Bot[] = [];

afterEach(async () => {
  for (const bot of bots.splice(0)) await bot.stop();
});

async function start(options: BotOptions = {}): Promise<Bot> {
  const bot = await startBot(options);
  bots.push(bot);
  return bot;
}

const failureOf = (story: Promise<unknown>): Promise<string> =>
  story.then(
    () => {
      throw new Error('The story did not go another way.');
    },
    (error: unknown) => (error instanceof NotSeen ? error.message : Promise.reject(error)),
  );

describe('a story', () => {
  test('a customer writes, sees an answer, reads it, and is marked as read', async () => {
    const { sim } = await start({ reply: (asked) => `You said ${asked.join(' and ')}.` });
    const ana = sim.contact('Ana');
    const said = await ana.says('hola');
    await ana.seesTyping();
    const answer = await ana.sees('You said hola.');
    await answer.isDelivered();
    await answer.isRead();
    await said.isDelivered();
    await said.isRead();
    expect(answer).toMatchObject({ type: 'text', text: 'You said hola.', buttons: [], rows: [] });
  });

  test('25 hours are milliseconds, and an old answer is not taken for a new one', async () => {
    const { sim } = await start();
    const ana = sim.contact('Ana');
    await ana.says('hello');
    await ana.sees(/hello/);
    const beforeMs = sim.clock.nowMs();
    await ana.seesNothingFor(25 * hourMs);
    expect(sim.clock.nowMs() - beforeMs).toBe(25 * hourMs);
    await ana.says('back again');
    expect((await ana.sees(/Echo/)).text).toBe('Echo: back again');
  });

  test('several customers before several numbers do not see each other', async () => {
    const { sim } = await start({ numbers: [{ name: 'Luna Flowers' }, { name: 'Harbour Books' }] });
    const ana = sim.contact('Ana');
    const ben = sim.contact('Ben', { userId: 'US.13491208655302741918', phoneHidden: true });
    const anaAtBooks = ana.at('Harbour Books');
    await ana.says('roses');
    await anaAtBooks.says('novels');
    await ben.says('lilies');
    await ana.sees('Echo: roses');
    await anaAtBooks.sees('Echo: novels');
    await ben.sees('Echo: lilies');
    await Promise.all([ana.seesNothingFor(hourMs)]);
    expect((await ana.allSeen()).map(({ text }) => text)).toEqual(['Echo: roses']);
    expect(sim.contact('Ana')).toBe(ana);
    expect((await sim.control.contacts()).map(({ name }) => name)).toEqual(['Ana', 'Ben']);
    await expect(ana.at('Moon').says('?')).rejects.toThrow(/It has "Luna Flowers" \(106540352242920\)/);
  });

  test('everything that is no text arrives as what it is', async () => {
    const { sim, meta } = await start();
    const ana = sim.contact('Ana');
    await ana.says('hello');
    const answer = await ana.sees(/hello/);
    await ana.quotes(answer, 'what is this?');
    await ana.reacts('👍');
    await ana.sendsVoice();
    await ana.sendsImage({ caption: 'my cat' });
    await ana.sendsVideo();
    await ana.sendsDocument({ filename: 'invoice.pdf' });
    await ana.sendsSticker();
    await ana.sendsLocation({ name: 'Home' });
    await ana.comesFromAd('I saw your ad');
    expect(meta.said.map(({ type }) => type)).toEqual([
      ...['text', 'text', 'reaction', 'audio', 'image', 'video', 'document', 'sticker', 'location', 'text'],
    ]);
    const messages = meta.conversations.list()[0]!.messages.filter(({ direction }) => direction === 'in');
    expect(messages[1]!.replyTo).toBe(answer.wamid);
    expect(messages[2]!.body).toEqual({ message_id: answer.wamid, emoji: '👍' });
  });

  test('the same seed is the same run', async () => {
    const run = async (seed: number) => {
      const bot = await start({ seed });
      await bot.sim.control.setFaults({ loseAnswer: { rate: 0.5 }, duplicateWebhook: { rate: 0.5 } });
      for (const name of ['Ana', 'Ben', 'Cem', 'Dora']) await bot.sim.contact(name).says(`I am ${name}`);
      await bot.sim.clock.advance(hourMs);
      return bot.meta.log.read({ limit: 10_000 }).map(({ atMs, kind }) => `${atMs} ${kind}`);
    };
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });
});

describe('a story that goes another way', () => {
  test('what a customer saw, and the flag and warning of a model that fails', async () => {
    const { sim } = await start();
    const ana = sim.contact('Ana');
    await ana.says('!fail please');
    const failure = await failureOf(ana.sees('hello'));
    expect(failure).toMatch(/^Ana did not see a message that says “hello”, within 60000 ms of virtual time/);
    expect(failure).toMatch(
      /Ana last wrote “!fail please” at 12:00:00.000, which the server has acknowledged/,
    );
    expect(failure).toMatch(/What has reached her, newest last:\n {2}12:00:\d\d.\d{3} “.+”/);
    expect(failure).toMatch(/The server last answered 200 to a webhook/);
    expect(failure).toMatch(/Open flags: /);
  });

  test('a bot that is down, and its webhook that is tried again', async () => {
    const bot = await start();
    bot.crash();
    const ana = bot.sim.contact('Ana');
    await ana.says('hello');
    const failure = await failureOf(ana.sees(/hello/, { withinMs: 500 }));
    expect(failure).toMatch(/which the server has not acknowledged/);
    expect(failure).toMatch(/She has seen nothing of this number/);
    expect(failure).toMatch(/Waiting: 1 webhook to be retried/);
    expect(failure).toMatch(/gave no answer to a webhook .+ it is tried again at 12:00:0\d/);
    expect(failure).toMatch(/The bot is down/);
  });

  test('a model that hangs, an answer that is under way, a phone that is off, a send that fails', async () => {
    const { sim } = await start();
    const ana = sim.contact('Ana');
    await ana.says('!hang');
    expect(await failureOf(ana.sees(/!/, { withinMs: 5_000 }))).toMatch(/Waiting: 1 model call \(“!hang”\)/);
    const ben = sim.contact('Ben', { receipts: 'sent' });
    await ben.says('hello');
    expect(await failureOf(ben.sees(/hello/))).toMatch(
      /not on her phone: Her phone is switched off \(receipts: "sent"\)\.\n.+“Echo: hello”: sent/,
    );
    await sim.control.setFaults({ failAfterAccept: { next: 1, code: 131026 } });
    const cem = sim.contact('Cem');
    await cem.says('hello');
    expect(await failureOf(cem.sees(/hello/))).toMatch(/“Echo: hello”: failed with 131026/);
    const dora = sim.contact('Dora');
    await dora.says('hello');
    const answer = await dora.sees(/hello/);
    await dora.becomes({ receipts: 'delivered' });
    await dora.says('again');
    const again = await dora.sees(/again/);
    await answer.isRead();
    expect(await failureOf(again.isRead())).toMatch(/it is not so that “Echo: again” was read/);
    await dora.says('more');
    expect(await failureOf(dora.seesNothingFor(60_000))).toMatch(/was to see nothing new.+\n.+\n.+\n.+more/s);
  });

  test('a send that Meta refuses', async () => {
    const { sim } = await start();
    await sim.control.setFaults({ graphError: [{ rate: 1, code: 131031 }] });
    const ana = sim.contact('Ana');
    await ana.says('hello');
    expect(await failureOf(ana.sees(/hello/))).toMatch(/A send was last refused at .+: 131031, /);
  });
});

describe('a bot that crashes', () => {
  test('what was said before and during the outage is answered once', async () => {
    const bot = await start();
    const ana = bot.sim.contact('Ana');
    await ana.says('!slow 5000 before');
    await bot.sim.clock.advance(1_000);
    bot.crash();
    await ana.says('during');
    await ana.seesNothingFor(60_000);
    expect(() => bot.nightdesk).toThrow(/start\(\)/);
    await bot.start();
    await bot.sim.control.retryWebhooks();
    await ana.sees(/before/);
    await ana.sees(/during/);
    await ana.seesNothingFor(hourMs);
    expect(
      (await ana.allSeen())
        .map(({ text }) => text)
        .join()
        .match(/before|during/g),
    ).toEqual(['before', 'during']);
  });

  test('a lost answer to a send leaves one message', async () => {
    const { sim } = await start();
    const ana = sim.contact('Ana');
    await sim.control.setFaults({ loseAnswer: { next: 1 } });
    await ana.says('hello');
    await ana.sees('Echo: hello');
    await ana.seesNothingFor(hourMs);
  });
});

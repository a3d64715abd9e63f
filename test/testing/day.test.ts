/** A whole day is recorded, kept as text, and played again: the same answers come, or the differences are told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Bot,
  type BotOptions,
  type Day,
  dayText,
  explainDifferences,
  loadDay,
  parseDay,
  recordDay,
  replayDay,
  type Story,
  saveDay,
  startBot,
} from '#testing/index.ts';

const hourMs = 3_600_000;
const bots: Bot[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-day-'));
});
afterEach(async () => {
  for (const bot of bots.splice(0)) await bot.stop();
  rmSync(folder, { recursive: true, force: true });
});

const numbers = [{ name: 'Luna Flowers' }, { name: 'Harbour Books' }];

async function start(options: BotOptions = {}): Promise<Bot> {
  const bot = await startBot({ numbers, ...options });
  bots.push(bot);
  return bot;
}

/** A day with several customers, quotes, faults, a night, a new phone number, and one who comes late. */
async function live({ sim }: { sim: Story }): Promise<void> {
  const ana = sim.contact('Ana');
  const ben = sim.contact('Ben', { userId: 'US.13491208655302741918', phoneHidden: true });
  await ana.says('good morning');
  await ben.at('Harbour Books').says('do you have Moby Dick?');
  const first = await ana.sees(/morning/);
  await ben.at('Harbour Books').sees(/Moby/);
  await sim.control.setFaults({ duplicateWebhook: { rate: 1 }, loseAnswer: { next: 1 } });
  await ana.quotes(first, 'what did you say?');
  await ana.sees(/what/);
  await ana.reacts('👍');
  await sim.control.clearFaults();
  await sim.clock.advance(9 * hourMs);
  await ana.changesAddress({ phone: '16505550199' });
  await ana.says('with my new number');
  await ana.sees(/new number/);
  await ben.says('roses, please');
  await ben.sees(/roses/);
  await sim.control.sayMany([
    { phoneNumberId: '106540352242920', contact: { phone: '16505550142', name: 'Cem' }, text: 'one' },
  ]);
  await sim.clock.advance(13 * hourMs);
  await ana.says('good night');
  await ana.sees(/night/);
}

async function recorded(options: BotOptions = {}): Promise<Day> {
  const bot = await start(options);
  const recorder = await recordDay(bot.sim);
  await live(bot);
  return recorder.stop();
}

const answers = (day: Day): string[] =>
  day.lines.flatMap((line) => (line.kind === 'send' ? [line.text ?? ''] : []));

describe('a recorded day', () => {
  test('goes through a file unchanged', async () => {
    const day = await recorded();
    const path = join(folder, 'day.jsonl');
    saveDay(path, day);
    expect(loadDay(path)).toEqual(JSON.parse(JSON.stringify(day)));
    expect(day.lines.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['act', 'send', 'status']));
    expect(answers(day)).toHaveLength(7);
    const times = day.lines.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('at its own times brings the same answers, at the same times of the day', async () => {
    const day = parseDay(dayText(await recorded()));
    const bot = await start({ seed: 2 });
    // Somebody is there already, so that no contact has the id of the recorded day.
    await bot.sim.contact('Zoe').contact();
    const replay = await replayDay(bot.sim, day);
    replay.assertSame();
    expect(explainDifferences(replay.differences)).toBe('The same answers came.');
    expect(answers(replay.day)).toEqual(answers(day));
    const said = (of: Day) => of.lines.flatMap((line) => (line.kind === 'act' ? [line.atMs] : []));
    expect(said(replay.day)).toEqual(said(day));
    expect((await bot.sim.control.contacts()).map(({ name, phone }) => [name, phone])).toEqual([
      ['Zoe', expect.any(String)],
      ['Ana', '16505550199'],
      ['Ben', expect.any(String)],
      ['Cem', '16505550142'],
    ]);
    const quoted = bot.meta.conversations
      .list()[0]!
      .messages.find(({ text }) => text === 'what did you say?');
    expect(quoted?.replyTo).toBe(bot.meta.accepted[0]!.wamid);
  });

  test('a thousand times faster brings them, too', async () => {
    const day = await recorded();
    const bot = await start();
    const startMs = bot.sim.clock.nowMs();
    (await replayDay(bot.sim, day, { speed: 1_000 })).assertSame();
    expect(bot.sim.clock.nowMs() - startMs).toBeLessThan(10 * 60_000);
  });

  test('with taps is played by the titles, since the ids of buttons are made anew', async () => {
    /** Something of the business beside the bot, which sends a menu with ids of its own. */
    const withMenu = async (prefix: string): Promise<Bot> => {
      const bot = await start({ reply: (asked) => `Fine: ${asked.join()}` });
      bot.meta.log.listen((event) => {
        if (event.kind !== 'said' || event.text !== 'menu') return;
        const buttons = ['Roses', 'Lilies'].map((title) => ({
          type: 'reply',
          reply: { id: prefix + title, title },
        }));
        void bot.world.http.request({
          ...{ purpose: null, method: 'POST', timeoutMs: 9_000 },
          url: `http://graph.test/v26.0/${event.phoneNumberId}/messages`,
          headers: { authorization: 'Bearer token of the test' },
          body: JSON.stringify({
            ...{ messaging_product: 'whatsapp', type: 'interactive' },
            to: bot.meta.contacts.get(event.contactId!)!.phone,
            interactive: { type: 'button', body: { text: 'Which?' }, action: { buttons } },
          }),
        });
      });
      return bot;
    };
    const first = await withMenu('a-');
    const recorder = await recordDay(first.sim);
    const ana = first.sim.contact('Ana');
    await ana.says('menu');
    await ana.sees({ buttons: ['Roses', 'Lilies'] });
    await ana.taps('Lilies');
    await ana.sees('Fine: Lilies');
    const second = await withMenu('b-');
    (await replayDay(second.sim, recorder.stop(), { speed: 50 })).assertSame();
    const taps = (bot: Bot) =>
      bot.meta.conversations
        .list()[0]!
        .messages.flatMap(({ direction, type, body }) =>
          direction === 'in' && type === 'interactive'
            ? [(body as { button_reply: object }).button_reply]
            : [],
        );
    expect(taps(first)).toEqual([{ id: 'a-Lilies', title: 'Lilies' }]);
    expect(taps(second)).toEqual([{ id: 'b-Lilies', title: 'Lilies' }]);
  });

  test('of hundreds of messages is played in seconds', { timeout: 120_000 }, async () => {
    const bot = await start();
    const recorder = await recordDay(bot.sim);
    const phoneNumberId = '106540352242920';
    for (let round = 0; round < 5; round += 1) {
      const said = Array.from({ length: 60 }, (_, index) => ({
        ...{ phoneNumberId, text: `message ${round}` },
        contact: { phone: `1650555${String(1_000 + index)}`, name: `Customer ${index}` },
      }));
      await bot.sim.control.sayMany(said);
      await bot.sim.clock.advance(60_000);
    }
    const day = recorder.stop();
    expect(answers(day)).toHaveLength(300);
    (await replayDay((await start()).sim, day)).assertSame();
  });

  test('can be played twice before the same bot, and on another day', async () => {
    const day = await recorded();
    const bot = await start({ startMs: Date.UTC(2027, 5, 1) });
    (await replayDay(bot.sim, day)).assertSame();
    const again = await replayDay(bot.sim, day);
    expect(answers(again.day)).toHaveLength(answers(day).length);
  });
});

describe('a day that goes another way', () => {
  test('is told by conversation, with what was said before', async () => {
    const day = await recorded();
    const bot = await start({
      reply: (asked) => {
        const words = asked.join(' | ');
        if (/Moby/.test(words)) return 'No.';
        return `Echo: ${words}`;
      },
    });
    const { differences, assertSame } = await replayDay(bot.sim, day);
    expect(differences).toEqual([
      {
        contact: 'Ben',
        number: 'Harbour Books',
        kind: 'changed',
        expected: '“Echo: do you have Moby Dick?”',
        got: '“No.”',
        after: 'do you have Moby Dick?',
      },
    ]);
    expect(assertSame).toThrow(
      'Ben at Harbour Books, after “do you have Moby Dick?”: got “No.” instead of “Echo: do you have Moby Dick?”',
    );
  });

  test('what is missing and what is too much are told apart', async () => {
    const day = await recorded();
    const withMore = structuredClone(day);
    const send = withMore.lines.find((line) => line.kind === 'send')!;
    withMore.lines.splice(withMore.lines.indexOf(send), 0, { ...send, text: 'Welcome!' });
    const { compareDays } = await import('#testing/index.ts');
    expect(explainDifferences(compareDays(day, withMore))).toBe(
      '1 answer differs from the recorded day:\nAna at Luna Flowers, after “good morning”: also got “Welcome!”',
    );
    expect(explainDifferences(compareDays(withMore, day))).toBe(
      '1 answer differs from the recorded day:\nAna at Luna Flowers, after “good morning”: did not get “Welcome!”',
    );
  });

  test('a bot that says nothing is not waited for for ever', async () => {
    const day = await recorded();
    const bot = await start({ reply: () => new Promise(() => {}) });
    const { differences } = await replayDay(bot.sim, day, { patienceMs: 1_000 });
    expect(differences.length).toBeGreaterThan(3);
  });

  test('numbers that are not there, and files that cannot be read, are refused', async () => {
    const day = await recorded();
    const bot = await start({ numbers: [{ name: 'Luna Flowers' }] });
    await expect(replayDay(bot.sim, day)).rejects.toThrow(
      /does not have: "Harbour Books" \(106540352242921\)/,
    );
    await expect(replayDay(bot.sim, day, { speed: 0 })).rejects.toThrow(/speed 0/);
    const text = dayText(day);
    expect(() => parseDay(text.slice(0, -5))).toThrow(/^Line \d+ of the recorded day is no JSON/);
    expect(() => parseDay(text.slice(text.indexOf('\n') + 1))).toThrow(/no recorded day/);
    expect(() => parseDay(text.replace('"version":1', '"version":9'))).toThrow(/version 9/);
    expect(() => parseDay(`${text}{"kind":"dance","atMs":1}\n`)).toThrow(/kind "dance"/);
  });
});

/** The same stories on the machine's own clock, before the real server as a process. */
import { afterEach, expect, test } from 'vitest';
import {
  connectStory,
  dayText,
  NotSeen,
  parseDay,
  recordDay,
  replayDay,
  type SpawnedBot,
  spawnBot,
  startBot,
} from '#testing/index.ts';

/** A busy machine is slow, and a story that waits for a signal loses nothing by patience. */
const patienceMs = 60_000;

let bot: SpawnedBot | undefined;
afterEach(async () => {
  await bot?.stop();
  bot = undefined;
});

test('a spawned bot answers, is killed in the middle, and answers what it was asked', async () => {
  bot = await spawnBot({ patienceMs, numbers: [{ name: 'Luna Flowers' }] });
  const { sim } = bot;
  const ana = sim.contact('Ana');
  const said = await ana.says('hello');
  const answer = await ana.sees('Echo: hello');
  await answer.isRead();
  await said.isRead();
  await expect(sim.clock.advance(1)).rejects.toThrow(/startBot\(\)/);

  await sim.control.setModel({ hang: { next: 1 } });
  const second = await ana.says('and now?');
  await second.isDelivered();
  const asked = async () => ((await sim.control.modelStats()).running > 0 ? true : null);
  expect(await sim.stage.watch(asked, patienceMs)).toBe(true);
  await bot.kill();
  const third = await ana.says('are you there?');
  await bot.start();
  await third.isDelivered();
  await ana.sees(/and now\?/);
  const failure = await ana.sees('never', { withinMs: 100 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NotSeen);
  expect(String(failure)).toMatch(/The bot said last:\n.*listens on/s);
});

test('a story over HTTP, by the stream of events', async () => {
  bot = await spawnBot({ patienceMs });
  const story = await connectStory(bot.simulator.url, { patienceMs });
  try {
    const ben = story.contact('Ben');
    await ben.says('hi');
    await ben.sees('Echo: hi');
    await ben.becomes({ receipts: 'read' });
    expect(bot.sim.contact('Ben')).not.toBe(ben);
    await bot.sim.contact('Ben').sees('Echo: hi');
  } finally {
    story.close();
  }
  await expect(connectStory('http://127.0.0.1:1')).rejects.toThrow(/There is no simulator at/);
});

test('what is played by hand is recorded over HTTP and played again on a virtual clock', async () => {
  bot = await spawnBot({ patienceMs });
  const story = await connectStory(bot.simulator.url, { patienceMs });
  try {
    const recorder = await recordDay(story);
    const ana = story.contact('Ana');
    await ana.says('one');
    await ana.sees('Echo: one');
    await ana.says('two');
    const answer = await ana.sees('Echo: two');
    await answer.isRead();
    const day = parseDay(dayText(recorder.stop()));
    const virtual = await startBot();
    try {
      (await replayDay(virtual.sim, day)).assertSame();
      expect(virtual.meta.said.map(({ text }) => text)).toEqual(['one', 'two']);
    } finally {
      await virtual.stop();
    }
    (await replayDay(bot.sim, day, { speed: 10, quietMs: 100 })).assertSame();
  } finally {
    story.close();
  }
});

test('a bot that cannot start says what it said', async () => {
  await expect(spawnBot({ env: { DATABASE_URL: 'nonsense:' } })).rejects.toThrow(
    /The bot ended at its start \(2\)\.\n.*DATABASE_URL cannot be used/s,
  );
});

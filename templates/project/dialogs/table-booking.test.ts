/**
 * The dialog as a customer meets it: the real runtime before a look-alike of Meta, on a virtual clock, so ten minutes pass at once.
 */
import { afterEach, beforeEach, test } from 'node:test';
import { startBot } from 'nightdesk/testing';
import config from '../nightdesk.config.ts';

const minuteMs = 60_000;
let bot: Awaited<ReturnType<typeof startBot>>;

beforeEach(async () => {
  bot = await startBot({ config, numbers: [{ name: 'The Olive Tree', dialog: 'table-booking' }] });
});

afterEach(() => bot.stop());

/** A customer who has answered all but the last question. */
async function almostBooked() {
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees('Welcome! For how many people may I book a table?');
  await ana.says('we are 4');
  await ana.sees('A table for 4. On which evening?');
  await ana.says('Friday at eight');
  await ana.sees('Friday at eight, for 4. Is that right?');
  return ana;
}

test('a table is booked in four messages, and the next one begins anew', async () => {
  const ana = await almostBooked();
  await ana.says('yes');
  await ana.sees('Your table for 4 is booked: Friday at eight. See you then!');
  await ana.says('hello again');
  await ana.sees(/^Welcome!/);
});

test('what is no number of people is asked again', async () => {
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees(/^Welcome!/);
  for (const answer of ['a few', '400']) {
    await ana.says(answer);
    await ana.sees('Please write a number from 1 to 12.');
  }
});

test('a no goes back to the first question', async () => {
  const ana = await almostBooked();
  await ana.says('no');
  await ana.sees('Then once more: for how many people?');
});

test('who forgets the last question is reminded once', async () => {
  const ana = await almostBooked();
  await ana.seesNothingFor(9 * minuteMs);
  await ana.sees('Shall I book the table? A yes is enough.', { withinMs: 2 * minuteMs });
  await ana.seesNothingFor(60 * minuteMs);
});

test('two customers do not hear of each other, and a power cut loses nothing', async () => {
  const ana = await almostBooked();
  const ben = bot.sim.contact('Ben');
  await ben.says('hello');
  await ben.sees(/^Welcome!/);
  bot.crash();
  await ana.says('yes');
  await bot.start();
  await bot.sim.control.retryWebhooks();
  await ana.sees(/^Your table for 4 is booked/);
  await ben.seesNothingFor(minuteMs);
});

test('nobody who sends a photo is met with silence', async () => {
  const ana = bot.sim.contact('Ana');
  await ana.sendsImage();
  await ana.sees('I can only read text. Please write it to me.');
});

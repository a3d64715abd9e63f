/**
 * The dialog as a customer meets it. `driveDialog` runs the dialog alone: no server, no clock. `startBot` runs the real server
 * before a look-alike of Meta, on a virtual clock, so ten minutes pass at once.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { driveDialog, startBot } from 'nightdesk/testing';
import config from '../nightdesk.config.ts';
import { tableBooking } from './table-booking.ts';

const minuteMs = 60_000;

describe('the dialog', () => {
  /** A customer who has answered all but the last question. */
  const almostBooked = () => driveDialog(tableBooking).say('hello').say('we are 4').say('Friday at eight');

  test('a table is booked in four messages, and the next one begins anew', () => {
    const ana = driveDialog(tableBooking);
    ana.say('hello').sees('Welcome! For how many people may I book a table?');
    ana.say('we are 4').sees('A table for 4. On which evening?');
    ana
      .say('Friday at eight')
      .sees({ text: 'Friday at eight, for 4. Is that right?', options: ['Yes', 'No'] });
    ana.tap('Yes').sees('Your table for 4 is booked: Friday at eight. See you then!');
    ana.say('hello again').sees(/^Welcome!/);
  });

  test('what is no number of people is asked again', () => {
    const ana = driveDialog(tableBooking).say('hello');
    for (const answer of ['a few', '400']) ana.say(answer).sees('Please write a number from 1 to 12.');
    assert.equal(ana.state, 'people');
  });

  test('a no goes back to the first question', () => {
    almostBooked().say('no').sees('Then once more: for how many people?');
  });

  test('who forgets the last question is reminded once', () => {
    const ana = almostBooked().advance(9 * minuteMs);
    assert.deepEqual(ana.said, []);
    ana.advance(2 * minuteMs).sees(/^Shall I book the table\? A yes is enough\./);
    assert.deepEqual(ana.advance(60 * minuteMs).said, []);
  });

  test('who sends a photo is not met with silence, and who taps twice books once', () => {
    const ana = driveDialog(tableBooking)
      .say('hello')
      .image()
      .sees(/For how many people/);
    ana.say('2').say('tonight').tap('Yes').tap('Yes');
    assert.deepEqual(ana.said, []);
  });
});

test('two customers do not hear of each other, and a power cut loses nothing', async () => {
  const bot = await startBot({ config, numbers: [{ name: 'The Olive Tree', dialog: 'table-booking' }] });
  const ana = bot.sim.contact('Ana');
  const ben = bot.sim.contact('Ben');
  await ana.says('hello');
  await ana.sees(/^Welcome!/);
  await ben.says('hello');
  await ben.sees(/^Welcome!/);
  bot.crash();
  await ana.says('we are 4');
  await bot.start();
  await bot.sim.control.retryWebhooks();
  await ana.sees(/^A table for 4\./);
  await ben.seesNothingFor(minuteMs);
  await bot.stop();
});

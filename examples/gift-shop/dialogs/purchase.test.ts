/**
 * The whole purchase as a customer meets it: the real runtime before the look-alikes of Meta, of the provider that draws,
 * and of the checkout, on a virtual clock. What is asserted beside the words is the money: what the provider charged.
 */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Bot, type StoryContact, startBot } from 'nightdesk/testing';
import { readShopSettings, type ShopSettings } from '../settings.ts';
import { createGiftShop } from './gift-shop.ts';

const hourMs = 3_600_000;
const designCents = 4;

const settings = readShopSettings({
  IMAGES_BASE_URL: 'http://images.test/v1',
  IMAGES_API_KEY: 'key',
  IMAGES_HONOUR_KEYS: 'yes',
  IMAGES_PRICE_MICROS: '40000',
  CHECKOUT_BASE_URL: 'http://checkout.test',
  CHECKOUT_API_KEY: 'key',
});
settings.images.size = '256x256';

let bot: Bot;

async function openShop(change: Partial<ShopSettings> = {}): Promise<StoryContact> {
  bot = await startBot({
    config: { dialogs: [createGiftShop({ ...settings, ...change })] },
    numbers: [{ name: 'Gift shop', dialog: 'gift-shop' }],
    reply: () => 'A print arrives within a week.',
  });
  return bot.sim.contact('Ana');
}

afterEach(() => bot.stop());

async function wishes(ana: StoryContact): Promise<void> {
  await ana.says('hi');
  await ana.sees('What is the name of the person?');
  await ana.says('Carmen');
  await ana.sees(/^What should be in the picture/);
  await ana.says('a lighthouse at night');
  await ana.sees('In which style?');
  await ana.chooses('Watercolour');
  await ana.sees(/Shall I draw it\?$/);
}

async function seesDesigns(ana: StoryContact): Promise<void> {
  for (const design of ['1', '2', '3', '4']) await ana.sees({ type: 'image', text: design });
  await ana.sees('Which design do you like?');
}

async function buys(ana: StoryContact): Promise<void> {
  await ana.chooses('Design 3');
  await ana.sees(/^Design 3 for Carmen: a good choice/);
  await ana.taps('Buy it');
  await ana.sees('As soon as you have paid, I confirm it here.');
}

const openPage = () => bot.checkout.list().find(({ state }) => state === 'open')?.id ?? '';

test('a gift is drawn, chosen, paid and confirmed', async () => {
  const ana = await openShop();
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  await buys(ana);
  await bot.sim.control.pay(openPage());
  await ana.sees(/Your order reference is GIFT-[0-9A-F]{8}\./);
  assert.equal(bot.images.stats().chargedCents, 4 * designCents);
  assert.equal(bot.images.charges.length, 1, 'four designs are one request');
  await ana.says('hello again');
  await ana.sees(/^Welcome to the gift shop!/);
});

test('a question in the middle is answered by the assistant, and the purchase goes on', async () => {
  const ana = await openShop();
  await wishes(ana);
  await ana.says('how long does the delivery take?');
  await ana.sees('A print arrives within a week.');
  await ana.sees(/Shall I draw it\?$/);
  await ana.taps('Draw it');
  await seesDesigns(ana);
});

test('three taps on one button are charged once', async () => {
  const ana = await openShop();
  await wishes(ana);
  await Promise.all([ana.taps('Draw it'), ana.taps('Draw it'), ana.taps('Draw it')]);
  await seesDesigns(ana);
  assert.equal(bot.images.charges.length, 1);
});

test('an answer that was lost after it was charged is asked for again with its key', async () => {
  const ana = await openShop();
  bot.images.set({ loseAnswer: { next: 2 } });
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  assert.equal(bot.images.stats().calls, 2, 'the answer of the first was kept for its key');
  assert.equal(bot.images.charges.length, 1);
});

test('a provider that fails is asked again, one that refuses is not', async () => {
  const ana = await openShop();
  bot.images.set({ fail: { next: 2 } });
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  assert.equal(bot.images.charges.length, 1);
  bot.images.set({ refuse: { next: 1 } });
  await ana.chooses('Four new designs');
  await ana.sees('The painter does not draw that, and nothing was charged. Let us try other words.');
  assert.equal(bot.images.charges.length, 1);
});

test('a provider that hangs is not waited for, and the designs that came too late are the next ones', async () => {
  const ana = await openShop();
  bot.images.set({ hang: { next: 1, charged: true } });
  await wishes(ana);
  await ana.taps('Draw it');
  await ana.sees(/^The drawing went wrong/, { withinMs: 10 * 60_000 });
  await bot.sim.clock.advance(10 * 60_000);
  await ana.taps('Try again');
  await seesDesigns(ana);
  assert.equal(bot.images.charges.length, 1, 'asked again with its key, also after the dialog went on');
});

test('a provider that knows no keys is not asked twice: a person looks at it, and the customer may go on', async () => {
  const ana = await openShop({ images: { ...settings.images, honoursKeys: false } });
  bot.images.set({ honourKeys: false, loseAnswer: { next: 1 } });
  await wishes(ana);
  await ana.taps('Draw it');
  await ana.sees(/^I cannot say whether your designs were drawn/);
  assert.equal(bot.images.charges.length, 1);
  assert.equal((await bot.flags()).length, 1);
  await ana.taps('Try again');
  await seesDesigns(ana);
  assert.equal(bot.images.charges.length, 2, 'one for each tap');
});

test('a power cut while it draws loses nothing and pays nothing twice', async () => {
  const ana = await openShop();
  bot.images.set({ latencyMs: { minMs: 20_000, maxMs: 20_000 } });
  await wishes(ana);
  await ana.taps('Draw it');
  await ana.sees(/^I am drawing four designs/);
  await bot.sim.clock.advance(5_000);
  assert.equal(bot.images.charges.length, 1);
  bot.crash();
  await bot.sim.clock.advance(60_000);
  await bot.start();
  for (const design of ['1', '2', '3', '4'])
    await ana.sees({ type: 'image', text: design }, { withinMs: 10 * 60_000 });
  assert.equal(bot.images.charges.length, 1);
  await buys(ana);
});

test('the payment is told twice and late, and the bot was down: one confirmation', async () => {
  const ana = await openShop();
  bot.checkout.set({ duplicateEvent: { next: 1 } });
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  await buys(ana);
  bot.crash();
  await bot.sim.control.pay(openPage());
  await bot.sim.clock.advance(60_000);
  await bot.start();
  await ana.sees(/Your order reference is/, { withinMs: hourMs });
  await ana.seesNothingFor(hourMs);
});

test('another design closes the page of the first, and the later payment counts', async () => {
  const ana = await openShop();
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  await buys(ana);
  await ana.taps('Back to the designs');
  await ana.sees(/^Design 3 for Carmen: a good choice/);
  await ana.taps('Another design');
  await ana.sees('Which design do you like?');
  await ana.chooses('Design 1');
  await ana.sees(/^Design 1 for Carmen: a good choice/);
  await ana.taps('Buy it');
  await ana.sees(/^Design 1 for Carmen, printed and sent/);
  await ana.sees('As soon as you have paid, I confirm it here.');
  assert.deepEqual(
    bot.checkout.list().map(({ state }) => state),
    ['expired', 'open'],
  );
  await bot.sim.control.pay(openPage());
  await ana.sees(/^Thank you! Design 1 for Carmen/);
});

test('the day’s last drawing is refused before anything is charged', async () => {
  const ana = await openShop({ drawingsPerDay: 1 });
  await wishes(ana);
  await ana.taps('Draw it');
  await seesDesigns(ana);
  await ana.chooses('Four new designs');
  await ana.sees('That is all I can draw for today. Tomorrow I can draw again.');
  assert.equal(bot.images.charges.length, 1);
  await bot.sim.clock.advance(24 * hourMs);
  await ana.chooses('Four new designs');
  await seesDesigns(ana);
  assert.equal(bot.images.charges.length, 2);
});

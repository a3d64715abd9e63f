/**
 * The pictures of the README: a conversation is really played, the pages are really looked at. Run it after a change of the
 * page, look at the pictures, and keep them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createSimulatorClient, type SimulatorClient } from '#simulator/index.ts';
import { DevProcess, lunaFlowers } from '../dev/dev-process.ts';
import { openBrowser } from './browser.ts';
import { buttonOf, chooseFrom, giftShop, startGiftShop } from './gift-shop-process.ts';
import { smallPicture } from './small-picture.ts';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** A README is opened on telephones, too. */
const bytesMax = 250_000;

/** Mia and Jonas are always there. */
const greetings = [
  { name: 'Jonas Weber', text: 'Hello! When are you open?' },
  { name: 'Carmen Ruiz', text: 'Hola, ¿cuánto cuestan las rosas?' },
];

const place = { phoneNumberId: lunaFlowers, type: 'text' };
const wide = { width: 1440, height: 900 };
/** From the designs to the order. */
const tall = { viewport: { width: 420, height: 1820 }, isMobile: true, hasTouch: true };

interface Scene {
  browser: Browser;
  address: string;
  client: SimulatorClient;
  /** Mia, whose phone is seen. */
  contactId: string;
  others: readonly string[];
}

async function open({ browser, address, contactId }: Scene, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${address}/#${lunaFlowers}/${contactId}`);
  await page.locator('.wb-state[data-state="ready"]').waitFor({ state: 'attached' });
  return page;
}

async function write(page: Page, text: string): Promise<void> {
  const field = page.getByLabel('Message', { exact: true });
  await field.fill(text);
  await field.press('Enter');
}

const answer = (page: Page, text: string | RegExp) =>
  page.locator('.from-business .bubble', { hasText: text }).last();

async function attach(page: Page, what: string): Promise<void> {
  await page.getByRole('button', { name: 'Attach' }).click();
  await page.getByRole('button', { name: what }).click();
}

async function react(page: Page, text: string, emoji: string): Promise<void> {
  const bubble = answer(page, text);
  await bubble.hover();
  await bubble.getByRole('button', { name: 'Message menu' }).click();
  await page.getByRole('button', { name: `React with ${emoji}` }).click();
  await page.getByLabel(`Reactions: ${emoji} by you`).waitFor();
}

/** All that was said on either side is read, and the workbench knows. */
async function settled(page: Page): Promise<void> {
  await page
    .locator('.tick:not([data-tick="read"], [data-tick="played"])')
    .first()
    .waitFor({ state: 'detached' });
  await page.locator('.wb-step-item[data-kind="read"]').first().waitFor({ state: 'attached' });
}

async function talk(page: Page): Promise<void> {
  await write(page, 'Good evening! I am Mia 🌷');
  await answer(page, 'Mia').waitFor();
  await attach(page, 'Sample voice note');
  await page.locator('.from-business').nth(1).waitFor();
  await write(page, 'How much are the peonies?');
  await write(page, 'And when are you open?');
  await answer(page, 'peonies').waitFor();
  await answer(page, 'Monday').waitFor();
  await react(page, 'peonies', '❤️');
  await write(page, 'Thank you!');
  await answer(page, 'welcome').waitFor();
  await settled(page);
}

async function desktop(scene: Scene): Promise<void> {
  const page = await open(scene, { viewport: wide, colorScheme: 'light' });
  await talk(page);
  await keep(page, 'phone-desktop.png');
  await page.context().close();
}

/** Faults are on, and the server is killed while three wait for an answer. */
async function dark(scene: Scene): Promise<void> {
  const page = await open(scene, { viewport: wide, colorScheme: 'dark' });
  await attach(page, 'Sample photo');
  await page.locator('.from-customer .picture img').waitFor();
  await page.getByRole('tab', { name: /^Faults/ }).click();
  for (const fault of ['duplicateWebhook', 'shuffleWebhooks']) {
    await page.locator(`fieldset:not([disabled]) [data-fault="${fault}"]`).getByRole('switch').click();
  }
  await page
    .locator('[data-fault="loseAnswer"]')
    .getByRole('button', { name: /^The next one/ })
    .click();
  await page.getByText('3 faults are on.').waitFor();
  // While the model thinks, nobody has an answer.
  await write(page, 'slow 4');
  await scene.client.sayMany(scene.others.map((contact) => ({ ...place, contact, text: 'slow 4' })));
  await page.locator('.is-typing').waitFor();
  await page.getByRole('button', { name: 'kill -9 the server' }).click();
  await page.locator('.wb-verdict').filter({ hasText: 'Nothing lost: 3 of 3 answered.' }).waitFor();
  await page
    .locator('.from-business', { hasText: 'for 4 seconds' })
    .locator('.tick[data-tick="read"]')
    .waitFor();
  await keep(page, 'phone-dark.png');
  await page.getByRole('button', { name: 'All off' }).click();
  await page.context().close();
}

async function mobile(scene: Scene): Promise<void> {
  const options = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const page = await open(scene, { ...options, colorScheme: 'light' });
  await page.locator('.from-customer .picture img').waitFor();
  await page.locator('.from-business', { hasText: 'for 4 seconds' }).waitFor();
  await keep(page, 'phone-mobile.png');
}

/** A purchase of the example, to the order reference. */
async function purchase(browser: Browser): Promise<void> {
  const shop = startGiftShop();
  try {
    const { phone: address } = await shop.ready();
    const client = createSimulatorClient(address, { request: fetch });
    const { id } = await client.createContact({ name: 'Nora Lind', phone: '46701234567' });
    const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...tall });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${address}/#${giftShop}/${id}`);
    await page.locator('.welcome').waitFor();
    await write(page, 'hello');
    await answer(page, 'name').waitFor();
    await write(page, 'Lucia');
    await answer(page, 'for Lucia').waitFor();
    await write(page, 'a lighthouse by night');
    await answer(page, 'style').waitFor();
    await chooseFrom(page, 'Choose', 'Watercolour');
    await buttonOf(page, 'Draw it').click();
    await page.locator('.from-business img').nth(3).waitFor();
    await chooseFrom(page, 'Choose', 'Design 2');
    await buttonOf(page, 'Buy it').click();
    const [pay] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Pay' }).click(),
    ]);
    await pay.getByRole('button', { name: /^Pay / }).click();
    await pay.getByText('Paid. Thank you.').waitFor();
    await answer(page, 'GIFT-').scrollIntoViewIfNeeded();
    await keep(page, 'gift-shop.png');
    await context.close();
  } finally {
    await shop.remove();
  }
}

async function keep(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  const png = await page.screenshot({ animations: 'disabled', caret: 'hide', scale: 'css' });
  const small = await smallPicture(page.context().browser()!, png);
  console.log(`${name}: ${Math.ceil(small.length / 1_000)} kB`);
  if (small.length > bytesMax) throw new Error(`${name} is larger than ${bytesMax / 1_000} kB.`);
  writeFileSync(`${folder}${name}`, small);
}

mkdirSync(folder, { recursive: true });
const dev = new DevProcess({ env: { PORT: '0' } });
const browser = await openBrowser();
try {
  const { phone: address } = await dev.ready();
  const client = createSimulatorClient(address, { request: fetch });
  await client.createContact({ name: 'Carmen Ruiz', phone: '34612740699' });
  const people = new Map((await client.contacts()).map(({ name, id }) => [name, id]));
  for (const { name, text } of greetings) await client.say({ ...place, contact: people.get(name)!, text });
  const contactId = people.get('Mia Torres')!;
  const others = greetings.map(({ name }) => people.get(name)!);
  const scene = { browser, address, client, contactId, others };
  await desktop(scene);
  await dark(scene);
  await mobile(scene);
  await purchase(browser);
} finally {
  await browser.close();
  await dev.remove();
}

/**
 * The gift shop on the phone page in English, as somebody plays it who has a minute: four designs, four new ones after a
 * choice, the payment, the order, and a second gift. Nothing is waited for but what is seen.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, type DevProcess } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser, openBrowser } from './browser.ts';
import { buttonOf, chooseFrom, giftShop, startGiftShop } from './gift-shop-process.ts';
import { answer, patienceMs, write } from './phone-page.ts';

demandBrowser();

const minuteMs = 60_000;

describe.skipIf(!hasBrowser)('the gift shop on the phone page, in English', () => {
  let dev: DevProcess;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    dev = startGiftShop();
    browser = await openBrowser();
    ({ phone: address } = await dev.ready());
  });

  afterAll(async () => {
    await browser?.close();
    await dev?.remove();
  });

  test('a purchase takes less than a minute, and another gift begins anew', async () => {
    const client = clientOf(address);
    const { id } = await client.createContact({ name: 'Ada Hill', phone: '447700900123' });
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(`${address}/#${giftShop}/${id}`);
    await page.locator('.welcome').waitFor();

    const began = performance.now();
    await write(page, 'hi');
    await answer(page, 'What is the name of the person?').waitFor();
    await write(page, 'Carmen');
    await answer(page, 'What should be in the picture for Carmen?').waitFor();
    await write(page, 'a lighthouse at night');
    await answer(page, 'In which style?').waitFor();
    await write(page, 'watercolour');
    await buttonOf(page, 'Draw it').click();
    await answer(page, 'Which design do you like?').waitFor();
    await chooseFrom(page, 'Choose', 'Design 2');
    await buttonOf(page, 'Four new ones').click();
    await answer(page, 'Which design do you like?').nth(1).waitFor();
    await page.locator('.from-business img').nth(7).waitFor();
    await write(page, '3');
    await answer(page, 'Design 3 for Carmen: a good choice').waitFor();
    await buttonOf(page, 'Buy it').click();
    await answer(page, 'As soon as you have paid, I confirm it here.').waitFor();
    const [pay] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Pay' }).click(),
    ]);
    await pay.getByRole('button', { name: 'Pay 24.00 EUR' }).click();
    const thanks = await answer(page, 'Thank you! Design 3 for Carmen').textContent();
    expect(performance.now() - began).toBeLessThan(minuteMs);

    expect(thanks).toMatch(/Your order reference is GIFT-[0-9A-F]{8}\./);
    expect(await client.imageCharges()).toHaveLength(2);
    await write(page, 'hello again');
    await answer(page, 'What is the name of the person?').nth(1).waitFor();
  });
});

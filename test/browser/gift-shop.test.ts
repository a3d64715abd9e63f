/**
 * The gift shop of the examples, played on the phone page as `npm start` serves it: the server, the look-alikes of all that
 * costs money, a real browser. The server is killed while the designs are drawn, and nobody pays twice.
 */
import type { Browser, BrowserContextOptions, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, type DevProcess, eventsUntil } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser, openBrowser } from './browser.ts';
import { buttonOf, chooseFrom, giftShop, startGiftShop } from './gift-shop-process.ts';
import { answer, patienceMs, write } from './phone-page.ts';

demandBrowser();

const drawMs = 2_000;
/** Much less than what a slow life makes the next look at it wait. */
const toldWithinMs = 10_000;
const wide = { width: 1440, height: 900 };

describe.skipIf(!hasBrowser)('the gift shop on the phone page', () => {
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

  async function openChat(name: string, phone: string, options?: BrowserContextOptions): Promise<Page> {
    const { id } = await clientOf(address).createContact({ name, phone });
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(`${address}/#${giftShop}/${id}`);
    await page.locator('.welcome').waitFor();
    return page;
  }

  test('a purchase in Spanish, from the first word to the order reference, through a kill -9', async () => {
    const client = clientOf(address);
    await client.setImages({ latencyMs: { minMs: drawMs, maxMs: drawMs } });
    const page = await openChat('Carmen Ruiz', '34600000001');
    await write(page, 'hola');
    await answer(page, '¿Cómo se llama la persona?').waitFor();
    await write(page, 'Lucía');
    await answer(page, '¿Qué quieres ver en la imagen para Lucía?').waitFor();
    await write(page, 'un faro de noche');
    await answer(page, '¿En qué estilo?').waitFor();
    await chooseFrom(page, 'Elegir', 'Acuarela');
    await answer(page, '¿Lo dibujo?').waitFor();
    await write(page, '¿cuánto cuesta?');
    await answer(page, '¿Lo dibujo?').nth(1).waitFor();

    await buttonOf(page, 'Dibújalo').dblclick();
    await eventsUntil(address, (seen) => seen.some(({ kind }) => kind === 'imageCharged'));
    const { next } = await dev.line(/^Ctrl-C stops/);
    process.kill(dev.serverPid(), 'SIGKILL');
    await dev.line(/^The server was ended by SIGKILL/, next);
    await answer(page, '¿Qué diseño te gusta?').waitFor();
    await page.locator('.from-business img').nth(3).waitFor();
    expect(await page.locator('.from-business img').count()).toBe(4);
    expect(await client.imageCharges()).toHaveLength(1);

    await chooseFrom(page, 'Elegir', 'Diseño 2');
    await answer(page, 'El diseño 2 para Lucía: buena elección.').waitFor();
    await buttonOf(page, 'Comprar').click();
    await answer(page, 'En cuanto hayas pagado, te lo confirmo aquí.').waitFor();
    const [pay] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Pagar' }).click(),
    ]);
    await pay.getByRole('button', { name: 'Pay 24.00 EUR' }).click();
    await pay.getByText('Paid. Thank you.').waitFor();
    const thanks = await answer(page, '¡Gracias! El diseño 2 para Lucía').textContent();
    expect(thanks).toMatch(/Tu número de pedido es GIFT-[0-9A-F]{8}\./);
    expect(await client.imageCharges()).toHaveLength(1);
  });

  test('each tap of a button or a row shows its life, also after one whose life was slow to come', async () => {
    const client = clientOf(address);
    await client.setImages({ latencyMs: { minMs: drawMs, maxMs: drawMs } });
    const page = await openChat('Nora Lind', '46701234567', { viewport: wide });
    const isTold = async (title: string) => {
      const words = page.locator('.wb-life-words', { hasText: title });
      const life = page.locator('.wb-life', { has: words });
      await life.locator('.wb-step-item[data-kind="turn"]').first().waitFor({ timeout: toldWithinMs });
    };
    await write(page, 'hello');
    await answer(page, 'name').waitFor();
    await write(page, 'Lucia');
    await answer(page, 'for Lucia').waitFor();
    await write(page, 'a lighthouse by night');
    await answer(page, 'style').waitFor();
    await chooseFrom(page, 'Choose', 'Watercolour');
    await isTold('Watercolour');
    const drawn = Promise.withResolvers<void>();
    const holdBack = (route: Route) => drawn.promise.then(() => route.continue());
    await page.route('**/_dev/life*', holdBack, { times: 1 });
    await buttonOf(page, 'Draw it').click();
    await page.locator('.from-business img').nth(3).waitFor();
    drawn.resolve();
    await isTold('Draw it');
    await chooseFrom(page, 'Choose', 'Design 2');
    await isTold('Design 2');
    await buttonOf(page, 'Buy it').click();
    await isTold('Buy it');
  });
});

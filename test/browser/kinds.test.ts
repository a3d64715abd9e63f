/** The rarer kinds of messages in a real browser: what a customer attaches, films and drags, and what a business asks for. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { lunaFlowers } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser, openBrowser } from './browser.ts';
import { linkMessage, locationRequest, sendAsBusiness } from './business.ts';
import { field, lastSaid, type OpenOptions, own, patienceMs, usePhonePage, write } from './phone-page.ts';

demandBrowser();

const telephone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } as const;

/** Two seconds or more: a busy machine may look late. */
const aFewSeconds = /0:(0[2-9]|[1-5]\d)/;

/** Tests know no elements. */
interface Styled {
  style: { translate: string };
}

describe.skipIf(!hasBrowser)('the rarer kinds of messages', () => {
  const phone = usePhonePage();

  /** The customer has written, so the business may. */
  async function openChat(options: OpenOptions = {}) {
    const opened = await phone.open(options);
    await write(opened.page, 'Good evening');
    await opened.page.locator('.from-business').first().waitFor();
    return opened;
  }

  const saidBy = (contactId: string, type: string, options?: { quoting: boolean }) =>
    lastSaid(phone.address, { contactId, type, ...options });

  async function attach(page: Page, what: string): Promise<void> {
    await page.getByRole('button', { name: 'Attach' }).click();
    await page.getByRole('dialog').getByRole('button', { name: what }).click();
  }

  /** With one finger, sideways from the middle of the bubble. */
  async function drag(page: Page, text: string, byPx: number): Promise<void> {
    const { x, y, width, height } = (await own(page, text).locator('.bubble').boundingBox())!;
    const from = { x: x + width / 2, y: y + height / 2 };
    const touch = await page.context().newCDPSession(page);
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: { x: number; y: number }[]) =>
      touch.send('Input.dispatchTouchEvent', { type, touchPoints: points });
    await send('touchStart', [from]);
    for (let step = 1; step <= 8; step += 1)
      await send('touchMove', [{ ...from, x: from.x + (byPx * step) / 8 }]);
    await send('touchEnd', []);
  }

  test('a bubble that is dragged far to the side is replied to, one that is not springs back', async () => {
    const { page, contactId } = await openChat(telephone);
    const bubble = own(page, 'Good evening').locator('.bubble');
    const intent = page.locator('.intent', { hasText: 'Good evening' });
    await drag(page, 'Good evening', 30);
    await expect.poll(() => bubble.evaluate((each) => (each as unknown as Styled).style.translate)).toBe('');
    expect(await intent.count()).toBe(0);
    await drag(page, 'Good evening', 90);
    await intent.waitFor();
    expect(await bubble.evaluate((each) => (each as unknown as Styled).style.translate)).toBe('');
    await write(page, 'by a finger');
    await own(page, 'by a finger').locator('.quote', { hasText: 'Good evening' }).waitFor();
    expect((await saidBy(contactId, 'text', { quoting: true })).replyTo).toMatch(/^wamid\./);
  });

  test('a video of the customer reaches the server, and plays on the page after a reload', async () => {
    const { page, contactId } = await openChat();
    await field(page).fill('our garden');
    await page.getByRole('button', { name: 'Attach' }).click();
    const film = Buffer.from((await page.evaluate(filmOneSecond)) as string, 'base64');
    await page.getByLabel('Files').setInputFiles({ name: 'garden.mp4', mimeType: 'video/mp4', buffer: film });
    const video = own(page, 'our garden').locator('video');
    await video.waitFor();
    const said = await saidBy(contactId, 'video');
    expect(said.body).toMatchObject({ mime_type: 'video/mp4', caption: 'our garden' });
    await page.reload();
    await video.waitFor();
    await expect
      .poll(() => video.evaluate((each) => (each as unknown as { videoWidth: number }).videoWidth), {
        timeout: 60_000,
      })
      .toBe(64);
  });

  test('a voice note is recorded with the microphone, and sent as WhatsApp would send it', async () => {
    const ear = await openBrowser({ beeps: true });
    try {
      const { id } = await phone.client.createContact({ name: 'Vera Voice', phone: '491700006666' });
      const page = await (await ear.newContext({ permissions: ['microphone'] })).newPage();
      page.setDefaultTimeout(patienceMs);
      await page.goto(`${phone.address}/#${lunaFlowers}/${id}`);
      await page.getByRole('button', { name: 'Record a voice note' }).click();
      await page.getByRole('timer').getByText(aFewSeconds).waitFor();
      await page.getByRole('button', { name: 'Send voice note' }).click();
      // The browser finds out how long it is only if it can read it.
      await page.locator('.from-customer .voice-foot', { hasText: aFewSeconds }).waitFor();
      expect(await page.getByRole('alert').filter({ hasText: 'microphone' }).count()).toBe(0);
      const { body } = await saidBy(id, 'audio');
      expect(body).toMatchObject({ voice: true, mime_type: 'audio/ogg; codecs=opus' });

      await page.getByRole('button', { name: 'Record a voice note' }).click();
      await page.getByRole('button', { name: 'Discard the recording' }).click();
      await page.getByRole('button', { name: 'Record a voice note' }).waitFor();
      expect(await page.locator('.from-customer .voice').count()).toBe(1);
    } finally {
      await ear.close();
    }
  });

  test('a link of the business opens beside the chat, and answers nothing', async () => {
    const { page, digits } = await openChat();
    await sendAsBusiness(phone.address, digits, linkMessage);
    const bubble = page.locator('.from-business', { hasText: 'Your order is on its way.' });
    await bubble.getByText('Luna Flowers, since 1998').waitFor();
    const link = bubble.getByRole('link', { name: 'Follow it' });
    expect(await link.getAttribute('href')).toBe('https://example.com/orders/1234');
    expect(await link.getAttribute('target')).toBe('_blank');
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
    await page.context().route('https://example.com/**', (route) => route.fulfill({ body: 'the order' }));
    const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()]);
    await opened.waitForURL('https://example.com/orders/1234');
    expect(await page.locator('.from-customer').count()).toBe(1);
  });

  test('where the business asks for it, the customer sends a place as an answer to that', async () => {
    const { page, contactId, digits } = await openChat();
    const wamid = await sendAsBusiness(phone.address, digits, locationRequest);
    const asked = page.locator('.from-business', { hasText: 'Where shall we bring them?' });
    await asked.getByRole('button', { name: 'Send location' }).click();
    const sheet = page.getByRole('dialog', { name: 'Send a location' });
    await sheet.getByRole('button', { name: 'Harbour Café' }).click();
    const spot = own(page, 'Harbour Café');
    await spot.getByRole('link', { name: /Harbour Café/ }).waitFor();
    await spot.locator('.quote', { hasText: 'Where shall we bring them?' }).waitFor();
    const said = await saidBy(contactId, 'location');
    expect(said).toMatchObject({
      replyTo: wamid,
      body: {
        latitude: 53.5446,
        longitude: 9.9897,
        name: 'Harbour Café',
        address: 'Am Sandtorkai 4, Hamburg',
      },
    });
    await page.reload();
    await spot.locator('.quote').waitFor();
  });

  test('a document, a contact card, an order, a sticker and a place are sent from the sheet and shown', async () => {
    const { page, contactId } = await openChat();
    await attach(page, 'Sample document');
    await own(page, 'order.pdf').getByText('PDF document').waitFor();
    expect((await saidBy(contactId, 'document')).body).toMatchObject({
      ...{ filename: 'order.pdf', mime_type: 'application/pdf' },
    });
    await attach(page, 'Contact card');
    await page.locator('.from-customer .cards').waitFor();
    await saidBy(contactId, 'contacts');
    await attach(page, 'Order');
    await saidBy(contactId, 'order');
    await attach(page, 'Sticker');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Sticker/ })
      .first()
      .click();
    await page.locator('.from-customer .sticker img').waitFor();
    expect((await saidBy(contactId, 'sticker')).body).toMatchObject({ mime_type: 'image/webp' });
    await attach(page, 'Location');
    await page.getByRole('dialog').getByRole('button', { name: 'Central Station' }).click();
    await own(page, 'Central Station').waitFor();
    expect((await saidBy(contactId, 'location')).replyTo).toBeNull();
  });
});

/** A real film of 64 pixels, as a page of the browser can make it. */
const filmOneSecond = `(async () => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/mp4' });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  for (let frame = 0; frame < 20; frame += 1) {
    context.fillStyle = frame % 2 ? '#2a6' : '#c36';
    context.fillRect(0, 0, 64, 64);
    await new Promise(requestAnimationFrame);
  }
  await new Promise((done) => { recorder.onstop = done; recorder.stop(); });
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
})()`;

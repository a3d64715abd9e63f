/** The phone page in a real browser, with the real server behind it. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  clientOf,
  DevProcess,
  eventsUntil,
  harbourBooks,
  isAnswered,
  lunaFlowers,
} from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser, openBrowser } from './browser.ts';

demandBrowser();

describe.skipIf(!hasBrowser)('the phone page', () => {
  let dev: DevProcess;
  let phone: string;
  let browser: Browser;
  /** What a page complained about; each test must leave it empty. */
  let complaints: string[] = [];

  beforeAll(async () => {
    dev = new DevProcess({ env: { PORT: '0' } });
    browser = await openBrowser();
    ({ phone } = await dev.ready());
  });

  afterAll(async () => {
    await browser?.close();
    await dev?.remove();
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    expect(complaints.splice(0)).toEqual([]);
  });

  /** A page with a customer of its own, so that the tests do not see each other. */
  async function openPage(options: BrowserContextOptions & { phoneNumberId?: string } = {}) {
    const { phoneNumberId = lunaFlowers, ...context } = options;
    const count = (await clientOf(phone).contacts()).length;
    const contact = await clientOf(phone).createContact({
      name: `Person ${count}`,
      phone: `4917000000${count}`,
    });
    const page = await (await browser.newContext(context)).newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${phone}/#${phoneNumberId}/${contact.id}`);
    await page.locator('.welcome').waitFor();
    return { page, contactId: contact.id };
  }

  const write = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.keyboard.press('Enter');
  };
  const own = (page: Page, text: string) => page.locator('.from-customer', { hasText: text });
  const answer = (page: Page, text: string) => page.locator('.from-business', { hasText: text });
  const waitingWebhooks = (page: Page, count: RegExp) =>
    page.locator('#waiting-text').filter({ hasText: count });

  test('a message is answered, and the ticks of both turn blue', async () => {
    const { page } = await openPage();
    await write(page, 'is anyone awake');
    await answer(page, 'is anyone awake').waitFor();
    await own(page, 'is anyone awake').locator('[aria-label="Read by the business"]').waitFor();
    const tick = answer(page, 'is anyone awake').locator('.tick[data-tick="read"]');
    await tick.waitFor();
    expect(await tick.getAttribute('aria-label')).toBe('Read');
    expect(await page.locator('.day').textContent()).toBe('Today');
    expect(await page.locator('#answer-text').textContent()).toMatch(/^\d+ ms$|^\d+\.\d s$/);
    expect(await page.locator('#server-text').textContent()).toBe('up');
  });

  test('the history is there after a reload, and each business has its own', async () => {
    const { page } = await openPage();
    await write(page, 'remember me');
    await answer(page, 'remember me').waitFor();
    await page.reload();
    await own(page, 'remember me').waitFor();
    await answer(page, 'remember me').waitFor();
    await page.getByRole('tab', { name: 'Harbour Books' }).click();
    await page.locator('.welcome').waitFor();
    expect(await own(page, 'remember me').count()).toBe(0);
    await page.keyboard.press('ArrowLeft');
    await own(page, 'remember me').waitFor();
  });

  test('while the bot works it is seen to type', async () => {
    const { page } = await openPage();
    await write(page, 'slow 1');
    await page.locator('.typing').waitFor();
    expect(await page.locator('#business-line').textContent()).toBe('typing…');
    await answer(page, 'I thought about it').waitFor();
    await page.locator('.typing').waitFor({ state: 'detached' });
  });

  test('a message to a server that does not answer has one grey tick until it does', async () => {
    const { page } = await openPage();
    const serverPid = dev.serverPid();
    process.kill(serverPid, 'SIGSTOP');
    try {
      await write(page, 'take your time');
      await own(page, 'take your time').locator('.tick[data-tick="sent"]').waitFor();
      // A status of an earlier answer may wait beside the message.
      await waitingWebhooks(page, /^[1-9]\d*$/).waitFor();
    } finally {
      process.kill(serverPid, 'SIGCONT');
    }
    await own(page, 'take your time').locator('.tick[data-tick="read"]').waitFor();
    await answer(page, 'take your time').waitFor();
    await waitingWebhooks(page, /^0$/).waitFor();
  });

  test('a server that dies is shown as down, then as up, and answers what waited', async () => {
    const { page } = await openPage();
    const { next } = await dev.line(/^Ctrl-C stops/);
    process.kill(dev.serverPid(), 'SIGKILL');
    await dev.line(/^The server was ended by SIGKILL/, next);
    const wentDown = page.locator('#server-status[data-tone="down"]').waitFor();
    await write(page, 'knock knock');
    await wentDown;
    await answer(page, 'knock knock').waitFor();
    await page.locator('#server-status[data-tone="up"]').waitFor();
  });

  test('what a person or a bot writes is shown as text', async () => {
    const { page } = await openPage();
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    await write(page, hostile);
    await answer(page, hostile).waitFor();
    expect(await own(page, hostile).locator('.words').textContent()).toBe(hostile);
    expect(await page.locator('#log img, #log script').count()).toBe(0);
    expect(await page.title()).toBe('Luna Flowers · Nightdesk phone');
  });

  test('a customer is added and chosen, and hostile names stay text', async () => {
    const { page } = await openPage();
    await page.getByRole('button', { name: 'Add a customer' }).click();
    await page.getByLabel('Name').fill('<b>Bo</b>');
    await page.getByLabel('Phone number').fill('+49 170 9876543');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.customers [aria-current="true"]', { hasText: '<b>Bo</b>' }).waitFor();
    await write(page, 'I am new here');
    await answer(page, 'I am new here').waitFor();
  });

  test('an answer to another customer is counted beside the name', async () => {
    const { page } = await openPage();
    await clientOf(phone).say({
      phoneNumberId: lunaFlowers,
      contact: 'mia',
      type: 'text',
      text: 'elsewhere',
    });
    await clientOf(phone).say({
      phoneNumberId: harbourBooks,
      contact: 'mia',
      type: 'text',
      text: 'in books',
    });
    await eventsUntil(phone, (seen) => isAnswered(seen, 'elsewhere') && isAnswered(seen, 'in books'));
    await page.locator('.customers li', { hasText: 'Mia Torres' }).getByLabel('1 new').waitFor();
    await page.getByRole('tab', { name: 'Harbour Books' }).getByLabel('1 new').waitFor();
  });

  test.each([
    { width: 360, height: 640 },
    { width: 820, height: 700 },
    { width: 1280, height: 800 },
  ])('at $width px nothing stands out, and the last message is in sight', async (viewport) => {
    const { page } = await openPage({ viewport });
    await write(page, `https://example.com/${'a-very-long-word'.repeat(20)}`);
    for (const text of ['one', 'two', 'three', 'four', 'five', 'and the last one']) {
      await write(page, text);
      await answer(page, text).waitFor();
    }
    for (const each of ['html', 'body', '.phone', '#log', '.composer']) {
      const [scrolled, seen] = await page.locator(each).evaluate((box) => [box.scrollWidth, box.clientWidth]);
      expect(scrolled, each).toBeLessThanOrEqual(seen!);
      expect(seen, each).toBeLessThanOrEqual(viewport.width);
    }
    const log = (await page.locator('#log').boundingBox())!;
    const last = (await answer(page, 'and the last one').locator('.bubble').boundingBox())!;
    expect(last.y).toBeGreaterThanOrEqual(log.y);
    expect(last.y + last.height).toBeLessThanOrEqual(log.y + log.height);
    expect(last.x + last.width).toBeLessThanOrEqual(log.x + log.width);
    const send = (await page.getByRole('button', { name: 'Send' }).boundingBox())!;
    expect(send.y + send.height).toBeLessThanOrEqual(viewport.height);
  });

  test('who scrolled up is left there, and led back on demand', async () => {
    const { page, contactId } = await openPage({ viewport: { width: 360, height: 600 } });
    for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) {
      await write(page, text);
      await answer(page, text).waitFor();
    }
    await page.locator('#log').evaluate((log) => log.scrollTo({ top: 0, behavior: 'instant' }));
    const client = clientOf(phone);
    await client.echo({ phoneNumberId: lunaFlowers, contact: contactId, text: 'The owner here.' });
    const toEnd = page.getByRole('button', { name: '1 new message' });
    await toEnd.waitFor();
    expect(await page.locator('#log').evaluate((log) => log.scrollTop)).toBe(0);
    await toEnd.click();
    await toEnd.waitFor({ state: 'hidden' });
  });

  test('what is written without a connection is sent once it is back', async () => {
    const { page } = await openPage();
    await page.route('**/_sim/say', (route) => route.abort());
    await write(page, 'from the tunnel');
    await own(page, 'from the tunnel').locator('.tick[data-tick="clock"]').waitFor();
    await page.unroute('**/_sim/say');
    await answer(page, 'from the tunnel').waitFor();
    expect(await own(page, 'from the tunnel').count()).toBe(1);
    complaints = complaints.filter((each) => !each.includes('net::ERR'));
  });
});

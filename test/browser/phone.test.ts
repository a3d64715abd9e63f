/** The phone page in a real browser, with the real server behind it. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { eventsUntil, harbourBooks, isAnswered, lunaFlowers } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser } from './browser.ts';
import { answer, field, own, usePhonePage, watchFor, write } from './phone-page.ts';

demandBrowser();

describe.skipIf(!hasBrowser)('the phone page', () => {
  const phone = usePhonePage();
  const waitingWebhooks = (page: Page, count: RegExp) =>
    page.locator('#waiting-text').filter({ hasText: count });

  test('a message is answered, and the ticks of both turn blue', async () => {
    const { page } = await phone.open();
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
    const { page } = await phone.open();
    await write(page, 'remember me');
    await answer(page, 'remember me').waitFor();
    await page.reload();
    await own(page, 'remember me').waitFor();
    await answer(page, 'remember me').waitFor();
    await page.getByRole('button', { name: 'All chats' }).click();
    await page.getByRole('button', { name: 'Harbour Books' }).click();
    await page.locator('.welcome').waitFor();
    expect(await own(page, 'remember me').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Luna Flowers' }).filter({ hasText: 'remember me' }).click();
    await own(page, 'remember me').waitFor();
  });

  test('while the bot works it is seen to type', async () => {
    const { page } = await phone.open();
    const typing = await watchFor(
      page,
      `document.querySelector('.typing') && document.querySelector('.business-line').textContent === 'typing…'`,
    );
    await write(page, 'slow 1');
    await typing.wasSeen();
    await answer(page, 'I thought about it').waitFor();
    await page.locator('.typing').waitFor({ state: 'detached' });
  });

  test('a message to a server that does not answer has one grey tick until it does', async () => {
    const { page } = await phone.open();
    const serverPid = phone.dev.serverPid();
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
    const { page } = await phone.open();
    const { next } = await phone.dev.line(/^Ctrl-C stops/);
    const down = await watchFor(page, `document.getElementById('server-status').dataset.tone === 'down'`);
    const serverPid = phone.dev.serverPid();
    // It does not answer any more, so that the message comes before the next server, however soon that is there.
    process.kill(serverPid, 'SIGSTOP');
    await write(page, 'knock knock');
    await own(page, 'knock knock').locator('.tick[data-tick="sent"]').waitFor();
    process.kill(serverPid, 'SIGKILL');
    await phone.dev.line(/^The server was ended by SIGKILL/, next);
    await down.wasSeen();
    await answer(page, 'knock knock').waitFor();
    await page.locator('#server-status[data-tone="up"]').waitFor();
  });

  test('what a person or a bot writes is shown as text', async () => {
    const { page } = await phone.open();
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    await write(page, hostile);
    await answer(page, hostile).waitFor();
    expect(await own(page, hostile).locator('.words').textContent()).toBe(hostile);
    expect(await page.locator('.log img, .log script').count()).toBe(0);
    expect(await page.title()).toBe('Luna Flowers · Nightdesk phone');
  });

  test('a customer is added and chosen, and hostile names stay text', async () => {
    const { page } = await phone.open();
    await page.getByRole('button', { name: 'Add a customer' }).click();
    await page.getByLabel('Name', { exact: true }).fill('<b>Bo</b>');
    await page.getByLabel('Phone number').fill('+49 170 9876543');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.customers [aria-current="true"]', { hasText: '<b>Bo</b>' }).waitFor();
    await write(page, 'I am new here');
    await answer(page, 'I am new here').waitFor();
  });

  test('an answer to another customer is counted beside the name', async () => {
    const { page } = await phone.open();
    await phone.client.say({
      phoneNumberId: lunaFlowers,
      contact: 'mia',
      type: 'text',
      text: 'elsewhere',
    });
    await phone.client.say({
      phoneNumberId: harbourBooks,
      contact: 'mia',
      type: 'text',
      text: 'in books',
    });
    await eventsUntil(phone.address, (seen) => isAnswered(seen, 'elsewhere') && isAnswered(seen, 'in books'));
    const mia = page.locator('.customers li', { hasText: 'Mia Torres' });
    await mia.getByLabel('2 new').waitFor();
    // Her phone shows the chat with the same business, which is seen by that.
    await mia.getByRole('button', { name: 'Mia Torres' }).first().click();
    await answer(page, 'elsewhere').waitFor();
    await mia.getByLabel('1 new').waitFor();
    await page.getByRole('button', { name: 'All chats' }).click();
    await page.getByRole('button', { name: 'Harbour Books' }).getByLabel('1 new').waitFor();
  });

  test('what nobody has looked at is counted on through a reload, and what comes while no page is open', async () => {
    const { page } = await phone.open();
    const ida = await phone.client.createContact({ name: 'Ida Unread', phone: '491700008888' });
    const unread = page.locator('.customers li', { hasText: 'Ida Unread' });
    const answered = async (text: string) => {
      await phone.client.say({ phoneNumberId: lunaFlowers, contact: ida.id, type: 'text', text });
      await eventsUntil(phone.address, (seen) => isAnswered(seen, text));
    };
    await answered('the first for Ida');
    await unread.getByLabel('1 new').waitFor();
    await page.reload();
    await unread.getByLabel('1 new').waitFor();
    const address = page.url();
    await page.goto('about:blank');
    await answered('the second for Ida');
    await page.goto(address);
    await unread.getByLabel('2 new').waitFor();
    // Looked at is looked at, also after the next reload.
    await unread.getByRole('button', { name: 'Ida Unread' }).first().click();
    await answer(page, 'the second for Ida').waitFor();
    await unread.getByLabel(/ new$/).waitFor({ state: 'detached' });
    await page.goto(address);
    await page.reload();
    await unread.waitFor();
    expect(await unread.getByLabel(/ new$/).count()).toBe(0);
  });

  test.each([
    { width: 360, height: 640 },
    { width: 820, height: 700 },
    { width: 1280, height: 800 },
  ])('at $width px nothing stands out, and the last message is in sight', async (viewport) => {
    const { page } = await phone.open({ viewport });
    await write(page, `https://example.com/${'a-very-long-word'.repeat(20)}`);
    for (const text of ['one', 'two', 'three', 'four', 'five', 'and the last one']) {
      await write(page, text);
      await answer(page, text).waitFor();
    }
    for (const each of ['html', 'body', '.phone', '.log', '.composer']) {
      const [scrolled, seen] = await page.locator(each).evaluate((box) => [box.scrollWidth, box.clientWidth]);
      expect(scrolled, each).toBeLessThanOrEqual(seen!);
      expect(seen, each).toBeLessThanOrEqual(viewport.width);
    }
    const log = (await page.locator('.log').boundingBox())!;
    const last = (await answer(page, 'and the last one').locator('.bubble').boundingBox())!;
    expect(last.y).toBeGreaterThanOrEqual(log.y);
    expect(last.y + last.height).toBeLessThanOrEqual(log.y + log.height);
    expect(last.x + last.width).toBeLessThanOrEqual(log.x + log.width);
    await field(page).fill('and one more');
    const send = (await page.getByRole('button', { name: 'Send', exact: true }).boundingBox())!;
    expect(send.y + send.height).toBeLessThanOrEqual(viewport.height);
  });

  test('who scrolled up is left there, and led back on demand', async () => {
    const { page, contactId } = await phone.open({ viewport: { width: 360, height: 600 } });
    for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) {
      await write(page, text);
      await answer(page, text).waitFor();
    }
    await page.locator('.log').evaluate((log) => log.scrollTo({ top: 0, behavior: 'instant' }));
    await phone.client.echo({ phoneNumberId: lunaFlowers, contact: contactId, text: 'The owner here.' });
    const toEnd = page.getByRole('button', { name: '1 new message' });
    await toEnd.waitFor();
    expect(await page.locator('.log').evaluate((log) => log.scrollTop)).toBe(0);
    await toEnd.click();
    await toEnd.waitFor({ state: 'hidden' });
  });

  test('what is written without a connection is sent once it is back', async () => {
    const { page } = await phone.open();
    await page.route('**/_sim/say', (route) => route.abort());
    await write(page, 'from the tunnel');
    await own(page, 'from the tunnel').locator('.tick[data-tick="clock"]').waitFor();
    await page.unroute('**/_sim/say');
    await answer(page, 'from the tunnel').waitFor();
    expect(await own(page, 'from the tunnel').count()).toBe(1);
    phone.complaints = phone.complaints.filter((each) => !each.includes('net::ERR'));
  });
});

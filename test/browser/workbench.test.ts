/** The workbench beside the phone, in a real browser, with the real server to be broken behind it. */
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import type { FaultSettings } from '#simulator/faults.ts';
import { eventsUntil, lunaFlowers } from '../dev/dev-process.ts';
import { WorkbenchClient } from '../dev/workbench-client.ts';
import { demandBrowser, hasBrowser } from './browser.ts';
import { answer, own, usePhonePage, write } from './phone-page.ts';

demandBrowser();

const wide = { width: 1440, height: 900 };

describe.skipIf(!hasBrowser)('the workbench', () => {
  const phone = usePhonePage();

  afterEach(async () => {
    await phone.client.clearFaults();
    await phone.client.clearModel();
  });

  async function openPage(options: BrowserContextOptions = {}) {
    const opened = await phone.open({ viewport: wide, ...options });
    await opened.page.locator('.wb-state[data-state="ready"]').waitFor({ state: 'attached' });
    return opened;
  }

  const step = (page: Page, kind: string) => page.locator(`.wb-step-item[data-kind="${kind}"]`);
  const openFaults = (page: Page) => page.getByRole('tab', { name: /^Faults/ }).click();
  const figure = (card: Locator, name: string) =>
    card.locator('.wb-figure', { has: card.page().getByText(name, { exact: true }) }).locator('dd');
  const answersTo = async (contactId: string) =>
    (await phone.client.accepted()).filter(({ contactKey }) => contactKey === contactId);

  test('the life of a message shows its steps in order, and each opens to its raw data', async () => {
    const { page } = await openPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    await write(page, 'is anyone awake');
    await step(page, 'read').waitFor();
    const kinds = await page
      .locator('.wb-step-item')
      .evaluateAll((items) => items.map((item) => item.getAttribute('data-kind')));
    const way = ['said', 'webhook', 'stored', 'waiting', 'turn', 'activity', 'model', 'send', 'sent'];
    const expected = [...way, 'delivered', 'read'];
    expect([...new Set(kinds)].filter((kind) => expected.includes(kind!))).toEqual(expected);
    expect(kinds.lastIndexOf('turn')).toBeLessThan(kinds.indexOf('send'));

    const model = step(page, 'model').getByRole('button').first();
    await model.click();
    expect(await model.getAttribute('aria-expanded')).toBe('true');
    const raw = JSON.parse((await step(page, 'model').locator('pre').textContent())!);
    expect(raw).toMatchObject({ kind: 'model', detail: { began: { kind: 'modelAsked' } } });
    await page.getByRole('button', { name: 'Copy JSON of this step' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    expect(JSON.parse(await page.evaluate('navigator.clipboard.readText()'))).toEqual(raw);
    await model.focus();
    await page.keyboard.press('ArrowUp');
    expect(await step(page, 'activity').locator(':focus').count()).toBe(1);
  });

  test('a message is chosen in the chat, and following leads back to the newest', async () => {
    const { page } = await openPage();
    await write(page, 'the first one');
    await step(page, 'sent').waitFor();
    await own(page, 'the first one').locator('.bubble').click({ button: 'right' });
    await page.getByRole('button', { name: 'Life of this message' }).click();
    const words = page.locator('.wb-life-words');
    const follow = page.getByRole('switch', { name: 'Follow the newest' });
    expect(await follow.getAttribute('aria-checked')).toBe('false');
    await write(page, 'the second one');
    await answer(page, 'the second one').waitFor();
    expect(await words.textContent()).toBe('the first one');
    await follow.click();
    await words.filter({ hasText: 'the second one' }).waitFor();
  });

  test('a lost answer leaves one bubble, and is seen to be uncertain, then confirmed', async () => {
    const { page, contactId } = await openPage();
    await openFaults(page);
    const fault = page.locator('fieldset:not([disabled]) [data-fault="loseAnswer"]');
    const firedBefore = Number.parseInt((await fault.locator('.wb-fired').textContent())!, 10);
    await fault.getByRole('button', { name: /^The next one/ }).click();
    await fault.getByText('The next 1', { exact: true }).waitFor();
    await expect.poll(async () => (await phone.client.faults()).loseAnswer.next).toBe(1);
    await write(page, 'did you get this');
    await fault.locator('.wb-fired', { hasText: `${firedBefore + 1}` }).waitFor();
    await fault.getByText('The next one', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Life of the message' }).click();
    await step(page, 'answerLost').waitFor();
    await step(page, 'uncertain').getByText('Uncertain, then confirmed').waitFor();
    await step(page, 'read').waitFor();
    expect(await page.locator('.from-business').count()).toBe(1);
    expect(await answersTo(contactId)).toHaveLength(1);
  });

  test('killed in the middle of ten open questions: all ten are answered once', async () => {
    const { page } = await openPage();
    const client = phone.client;
    const people = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        client.createContact({ name: `Asker ${at}`, phone: `491720000${String(at).padStart(3, '0')}` }),
      ),
    );
    const workbench = new WorkbenchClient(phone.address);
    const { lastSeq } = await workbench.get<{ lastSeq: number }>('moments?limit=1');
    const say = { phoneNumberId: lunaFlowers, type: 'text', text: 'slow 4' };
    await client.sayMany(people.map(({ id }) => ({ ...say, contact: id })));
    // The model thinks about all ten.
    const isAsked = ({ kind }: { kind: string }) => kind === 'modelAsked';
    await workbench.until(({ moments }) => moments.filter(isAsked).length >= people.length, lastSeq);
    const server = page.locator('.wb-server');
    const pid = phone.dev.serverPid();
    // However long the page takes, none of them is answered before the kill.
    process.kill(pid, 'SIGSTOP');
    await page.getByRole('button', { name: 'kill -9 the server' }).click();
    await page.locator('.wb-verdict').filter({ hasText: 'Nothing lost: 10 of 10 answered.' }).waitFor();
    expect(phone.dev.serverPid()).not.toBe(pid);
    expect(await figure(server, 'asked').textContent()).toBe('10');
    expect(await figure(server, 'answered').textContent()).toBe('10');
    expect(await figure(server, 'waiting').textContent()).toBe('0');
    expect(await figure(server, 'down').textContent()).toMatch(/^\d+ ms$|^[\d.]+ s$/);
    await server.getByText(/1 kill/).waitFor();
    for (const { id } of people) expect(await answersTo(id), id).toHaveLength(1);
  });

  test('a jump of 25 hours closes the window; what the customer writes opens it again', async () => {
    const { page, contactId } = await openPage();
    await write(page, 'the shutters are green');
    await answer(page, 'the shutters are green').waitFor();
    const shown = page.locator('.wb-window');
    await shown.filter({ hasText: 'Service window open for 23 h 59 min more.' }).waitFor();
    await page.getByRole('button', { name: 'Jump +25 h' }).click();
    await shown.filter({ hasText: 'Service window closed for 1 h: only templates may be sent.' }).waitFor();
    await page.locator('.wb-ahead', { hasText: '25 h ahead' }).waitFor();

    // Meta goes by that clock, too: a free text is accepted, and fails.
    const sent = await fetch(`${phone.address}/v24.0/${lunaFlowers}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer any' },
      body: JSON.stringify({
        ...{ messaging_product: 'whatsapp', type: 'text', text: { body: 'anyone there' } },
        to: (await phone.client.contacts()).find(({ id }) => id === contactId)!.phone,
      }),
    });
    expect(sent.status).toBe(200);
    await eventsUntil(phone.address, (seen) =>
      seen.some((event) => event.kind === 'status' && event.contactId === contactId && event.code === 131047),
    );
    await write(page, 'the door is red');
    await answer(page, 'the door is red').waitFor();
    await shown.filter({ hasText: /^Service window open/ }).waitFor();
  });

  test('the faults are operated by keyboard alone', async () => {
    const { page } = await openPage();
    const settingsOf = () => phone.client.faults();
    await page.getByRole('tab', { name: 'Life of the message' }).focus();
    await page.keyboard.press('ArrowRight');
    const focused = page.locator(':focus');
    expect(await focused.getAttribute('role')).toBe('tab');
    expect(await focused.getAttribute('aria-selected')).toBe('true');
    await page.locator('fieldset:not([disabled]) [data-fault="duplicateWebhook"]').waitFor();

    await page.keyboard.press('Tab');
    expect(await focused.getAttribute('role')).toBe('switch');
    await page.keyboard.press('Space');
    await expect.poll(async () => (await settingsOf()).duplicateWebhook.rate).toBe(0.2);
    expect(await focused.getAttribute('aria-checked')).toBe('true');

    await page.keyboard.press('Tab');
    for (let presses = 0; presses < 5; presses += 1) await page.keyboard.press('ArrowRight');
    expect(await focused.getAttribute('aria-valuetext')).toBe('25 % of webhooks');
    await expect.poll(async () => (await settingsOf()).duplicateWebhook.rate).toBe(0.25);

    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await settingsOf()).duplicateWebhook.next).toBe(2);
    await page.getByText('1 fault is on.').waitFor();

    await page.getByRole('button', { name: 'All off' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('No fault is on.').waitFor();
    const off: Partial<FaultSettings['duplicateWebhook']> = { rate: 0, next: 0 };
    expect((await settingsOf()).duplicateWebhook).toMatchObject(off);
  });
});

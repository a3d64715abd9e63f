/** Everything a customer can do with messages besides writing them, in a real browser with the real server behind it. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { lunaFlowers } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser } from './browser.ts';
import {
  buttonsQuestion,
  createTemplate,
  listQuestion,
  sendAsBusiness,
  templateMessage,
} from './business.ts';
import { answer, field, lastSaid, own, usePhonePage, write } from './phone-page.ts';

demandBrowser();

describe.skipIf(!hasBrowser)('messages on the phone page', () => {
  const phone = usePhonePage();

  /** The customer has written, so the business may. */
  async function openChat() {
    const opened = await phone.open();
    await write(opened.page, 'Good evening');
    await answer(opened.page, 'Good evening').or(answer(opened.page, 'Hello')).first().waitFor();
    return opened;
  }

  const saidBy = (contactId: string, type: string, options?: { quoting: boolean }) =>
    lastSaid(phone.address, { contactId, type, ...options });

  const menuOf = async (page: Page, text: string): Promise<void> => {
    const bubble = page.locator('.from-customer .bubble', { hasText: text }).last();
    await bubble.hover();
    await bubble.getByRole('button', { name: 'Message menu' }).click();
  };

  test('a burst stays in order, each with its own ticks, and is answered', async () => {
    const { page } = await phone.open();
    const words = ['one', 'two', 'three', 'four', 'five', 'six'];
    for (const word of words) await write(page, `burst ${word}`);
    await answer(page, 'burst six').waitFor();
    // A receipt gives way to an answer that leaves just then; the one of a quiet moment is for all before it.
    await write(page, 'burst seven');
    await page.locator('.from-customer .tick[data-tick="read"]').nth(6).waitFor();
    const shown = await page.locator('.from-customer .words').allTextContents();
    expect(shown).toEqual([...words, 'seven'].map((word) => `burst ${word}`));
    await answer(page, 'burst seven').waitFor();
  });

  test('a tapped button answers the question it stands under', async () => {
    const { page, contactId, digits } = await openChat();
    const wamid = await sendAsBusiness(phone.address, digits, buttonsQuestion);
    await page.getByRole('button', { name: 'Tulips' }).click();
    await own(page, 'Tulips').locator('.quote', { hasText: 'Which bouquet' }).waitFor();
    await own(page, 'Tulips').locator('.tick[data-tick="read"]').waitFor();
    const said = await saidBy(contactId, 'interactive');
    expect(said.replyTo).toBe(wamid);
    expect(said.body).toMatchObject({ button_reply: { id: 'tulips', title: 'Tulips' } });
    await answer(page, 'You wrote “Tulips”').waitFor();
  });

  test('a row of a list is picked on its sheet and sent', async () => {
    const { page, contactId, digits } = await openChat();
    await sendAsBusiness(phone.address, digits, listQuestion);
    await page.getByRole('button', { name: 'See flowers' }).click();
    const sheet = page.getByRole('dialog', { name: 'See flowers' });
    expect(await sheet.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await sheet.getByLabel('Orchid').check();
    await sheet.getByRole('button', { name: 'Send' }).click();
    await own(page, 'Orchid').waitFor();
    await sheet.waitFor({ state: 'detached' });
    const said = await saidBy(contactId, 'interactive');
    expect(said.body).toMatchObject({
      list_reply: { id: 'orchid', title: 'Orchid', description: 'In a pot' },
    });
  });

  test('without a microphone a sample voice note is sent, and it is a real one', async () => {
    const { page, contactId } = await openChat();
    await page.getByRole('button', { name: 'Record a voice note' }).click();
    await page.getByRole('button', { name: 'Play voice message' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'microphone' }).waitFor();
    const said = await saidBy(contactId, 'audio');
    expect(said.body).toMatchObject({ voice: true, mime_type: 'audio/ogg; codecs=opus' });
    const file = await downloaded(said.body);
    expect(file.subarray(0, 4).toString('latin1')).toBe('OggS');
    expect(file.length).toBeGreaterThan(2_000);
    // The browser finds out how long it is only if it can read it.
    await own(page, '0:03').locator('.voice').waitFor();
  });

  async function downloaded(body: unknown): Promise<Buffer> {
    const { id } = body as { id: string };
    const headers = { authorization: 'Bearer any' };
    const setup = (await (await fetch(`${phone.address}/_sim/setup`)).json()) as {
      accessTokens: readonly { token: string }[];
    };
    if (setup.accessTokens[0]) headers.authorization = `Bearer ${setup.accessTokens[0].token}`;
    const node = (await (await fetch(`${phone.address}/v25.0/${id}`, { headers })).json()) as { url: string };
    return Buffer.from(await (await fetch(node.url, { headers })).arrayBuffer());
  }

  test('a photo is shown, kept over a reload, and opens large', async () => {
    const { page } = await openChat();
    await page.getByRole('button', { name: 'Attach' }).click();
    await page.getByRole('button', { name: 'Sample photo' }).click();
    const photo = page.locator('.from-customer .picture img');
    await photo.waitFor();
    await page.reload();
    await photo.waitFor();
    // Its place is there before the picture is.
    await expect
      .poll(() => photo.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
      .toBe(960);
    await photo.click();
    await page.getByRole('dialog', { name: 'Photo' }).getByRole('img').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('a reply quotes, a reaction is shown, an edit and a deletion change what was said', async () => {
    const { page, contactId } = await openChat();
    await menuOf(page, 'Good evening');
    await page.getByRole('button', { name: 'Reply', exact: true }).click();
    await write(page, 'and once more');
    await own(page, 'and once more').locator('.quote').waitFor();
    expect((await saidBy(contactId, 'text', { quoting: true })).replyTo).toMatch(/^wamid\./);

    await menuOf(page, 'and once more');
    await page.getByRole('button', { name: 'React with 👍' }).click();
    await own(page, 'and once more').getByLabel('Reactions: 👍 by you').waitFor();

    await menuOf(page, 'and once more');
    await page.getByRole('button', { name: 'Edit' }).click();
    await field(page).fill('and once less');
    await page.keyboard.press('Enter');
    await own(page, 'and once less').getByText('edited').waitFor();

    await menuOf(page, 'and once less');
    await page.getByRole('button', { name: 'Delete for everyone' }).click();
    await page.getByText('You deleted this message').waitFor();
    expect(await own(page, 'and once less').count()).toBe(0);
  });

  test('a forwarded message says so, also after a reload', async () => {
    const { page } = await openChat();
    await menuOf(page, 'Good evening');
    await page.getByRole('button', { name: 'Forward' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Luna Flowers' }).click();
    const forwarded = page.locator('.from-customer .forwarded', { hasText: 'Forwarded' });
    await forwarded.waitFor();
    await page.reload();
    await forwarded.waitFor();
  });

  test('a text from an ad carries its referral', async () => {
    const { page } = await openChat();
    await page.getByRole('button', { name: 'Attach' }).click();
    await page.getByRole('button', { name: 'Next text from an ad' }).click();
    await write(page, 'I saw your ad');
    const referral = own(page, 'I saw your ad').locator('.referral', { hasText: 'Chat with us' });
    await referral.waitFor();
    await page.reload();
    await referral.waitFor();
  });

  test('what a list of messages says was forwarded, or came from an ad, shows so', async () => {
    const { page, contactId } = await phone.open();
    const at = { phoneNumberId: lunaFlowers, contact: contactId, type: 'text' };
    await phone.client.sayMany([
      { ...at, text: 'first of the list', frequentlyForwarded: true },
      { ...at, text: 'second of the list', referral: { headline: 'Tulips today', source_type: 'ad' } },
    ]);
    const forwarded = own(page, 'first of the list').locator('.forwarded');
    const referral = own(page, 'second of the list').locator('.referral', { hasText: 'Tulips today' });
    await forwarded.waitFor();
    await referral.waitFor();
    await page.reload();
    await forwarded.waitFor();
    await referral.waitFor();
    expect(await page.locator('.forwarded, .referral').count()).toBe(2);
  });

  test('a reset of the simulator empties an open page, which goes on', async () => {
    const { page } = await openChat();
    await page.locator('.wb-step-item').first().waitFor();
    await phone.client.reset();
    await page.locator('.welcome').waitFor();
    await page.locator('.wb-step-item').first().waitFor({ state: 'detached' });
    expect(await page.locator('.from-customer, .from-business').count()).toBe(0);
    await write(page, 'after the reset');
    await answer(page, 'after the reset').waitFor();
    expect(await page.locator('.from-customer').count()).toBe(1);
  });

  test('what fails says why, and a phone that is off gets one tick', async () => {
    const { page, contactId, digits } = await openChat();
    await phone.client.changeContact(contactId, { failCode: 131026 });
    await sendAsBusiness(phone.address, digits, { type: 'text', text: { body: 'Can you hear me?' } });
    await page.getByText('this customer cannot be reached on WhatsApp').waitFor();
    await answer(page, 'Can you hear me?').locator('.tick[data-tick="failed"]').waitFor();
    await phone.client.changeContact(contactId, { failCode: null, receipts: 'sent' });
    await sendAsBusiness(phone.address, digits, { type: 'text', text: { body: 'And now?' } });
    await answer(page, 'And now?').locator('.tick[data-tick="sent"]').waitFor();
  });

  test('a template is shown in its approved words, and its button answers', async () => {
    const { page, contactId, digits } = await openChat();
    await createTemplate(phone.address);
    await sendAsBusiness(phone.address, digits, templateMessage);
    const shown = answer(page, 'Hello Mia, your order 1234 is ready.');
    await shown.locator('.template-name', { hasText: 'order_ready' }).waitFor();
    await shown.getByRole('button', { name: 'I am coming' }).click();
    await own(page, 'I am coming').waitFor();
    expect((await saidBy(contactId, 'button')).body).toEqual({ payload: 'coming-1234', text: 'I am coming' });
  });

  test('a customer without a phone number writes and is answered', async () => {
    const { page } = await phone.open();
    await page.getByRole('button', { name: 'Add a customer' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Noor Hidden');
    await page.getByLabel('Username only').check();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.customers [aria-current="true"]', { hasText: 'Noor Hidden' }).waitFor();
    await write(page, 'nobody has my number');
    await answer(page, 'nobody has my number').waitFor();
    const noor = (await phone.client.contacts()).find(({ name }) => name === 'Noor Hidden');
    expect(noor).toMatchObject({ phone: null, username: 'noor.hidden' });
  });

  test('two customers side by side each have their own phone', async () => {
    const { page, contactId, name } = await phone.open();
    const other = await phone.client.createContact({ name: 'Rosa Second', phone: '491700009999' });
    await page.goto(`${phone.address}/#${lunaFlowers}/${contactId}&${lunaFlowers}/${other.id}`);
    const left = page.getByRole('region', { name: `${name}’s phone` });
    const right = page.getByRole('region', { name: 'Rosa Second’s phone' });
    await write(left, 'from the left');
    await write(right, 'from the right');
    await answer(left, 'from the left').waitFor();
    await answer(right, 'from the right').waitFor();
    expect(await left.getByText('from the right').count()).toBe(0);
    expect(await right.getByText('from the left').count()).toBe(0);
    await page.reload();
    await answer(left, 'from the left').waitFor();
    await answer(right, 'from the right').waitFor();
    await right.getByRole('button', { name: 'Put Rosa Second’s phone away' }).click();
    await right.waitFor({ state: 'detached' });
  });
});

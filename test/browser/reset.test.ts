/** An open page when the simulator forgets everything: what happened, who was there, and what was set up. */
import { describe, expect, test } from 'vitest';
import { lunaFlowers } from '../dev/dev-process.ts';
import { demandBrowser, hasBrowser } from './browser.ts';
import { answer, usePhonePage, write } from './phone-page.ts';

demandBrowser();

describe.skipIf(!hasBrowser)('a reset of everything', () => {
  const phone = usePhonePage();

  test('leaves an open page that says so, and goes on with whoever is set up next', async () => {
    const { page } = await phone.open({ viewport: { width: 1440, height: 900 } });
    await write(page, 'before the reset');
    await answer(page, 'before the reset').waitFor();
    await page.locator('.wb-step-item').first().waitFor();
    const setup: unknown = await (await fetch(`${phone.address}/_sim/setup`)).json();

    await phone.client.reset({ everything: true });
    await page.getByRole('status').filter({ hasText: 'Nobody is set up here any more.' }).waitFor();
    await page.locator('.wb-step-item').first().waitFor({ state: 'detached' });
    expect(await page.locator('.customer, .from-customer, .from-business').count()).toBe(0);
    await page.reload();
    await page.getByText('Nobody is set up here any more.').waitFor();

    await phone.client.setup(setup as object);
    const { id } = await phone.client.createContact({ name: 'Nora Next', phone: '491700007777' });
    await page.getByRole('region', { name: 'Nora Next’s phone' }).waitFor();
    await page.goto(`${phone.address}/#${lunaFlowers}/${id}`);
    await write(page, 'after the reset');
    await answer(page, 'after the reset').waitFor();
    expect(await page.locator('.from-customer').count()).toBe(1);
  });
});

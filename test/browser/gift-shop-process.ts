/** The gift shop of the examples as `npm start` in its folder starts it, with a database of its own. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { DevProcess } from '../dev/dev-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What `nightdesk dev` gives the first dialog of a configuration. */
export const giftShop = '106540352243000';

export function startGiftShop(): DevProcess {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-gift-shop-'));
  return new DevProcess({
    folder,
    command: ['sh', '-c', `cd '${join(root, 'examples/gift-shop')}' && exec ../../bin/nightdesk dev`],
    env: { PORT: '0', DATABASE_URL: `sqlite:${join(folder, 'dev.db')}` },
  });
}

/** A button of the newest message that has it. */
export const buttonOf = (page: Page, title: string) =>
  page.locator('.from-business').getByRole('button', { name: title }).last();

/** Opens the newest list by its button and sends one of its rows. */
export async function chooseFrom(page: Page, list: string, title: string): Promise<void> {
  await buttonOf(page, list).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText(title, { exact: true }).click();
  await sheet.getByRole('button', { name: 'Send' }).click();
}

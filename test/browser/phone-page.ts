/** The phone page as tests open it: a server, a browser, and for each test a customer of its own. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { SimulatorClient } from '#simulator/index.ts';
import { clientOf, DevProcess, eventsUntil, lunaFlowers } from '../dev/dev-process.ts';
import { openBrowser } from './browser.ts';

/** How long a test waits for something to be seen: only a machine with much else to do needs it. */
export const patienceMs = 60_000;

export interface OpenOptions extends BrowserContextOptions {
  phoneNumberId?: string;
}

export interface OpenedPage {
  page: Page;
  contactId: string;
  name: string;
  /** Digits of the customer's phone. */
  digits: string;
}

export interface PhonePage {
  readonly dev: DevProcess;
  readonly client: SimulatorClient;
  readonly address: string;
  /** What a page complained about; each test must leave it empty. */
  complaints: string[];
  /** With a customer that nobody else writes as, so that the tests do not see each other. */
  open(options?: OpenOptions): Promise<OpenedPage>;
}

/** Starts and ends what the tests of one file share. */
export function usePhonePage(): PhonePage {
  let dev: DevProcess;
  let browser: Browser;
  let address: string;
  let count = 0;
  const shared = {
    complaints: [] as string[],
    get dev() {
      return dev;
    },
    get client() {
      return clientOf(address);
    },
    get address() {
      return address;
    },
    async open({ phoneNumberId = lunaFlowers, ...context }: OpenOptions = {}) {
      count += 1;
      const name = `Person ${String.fromCharCode(64 + count)}`;
      const digits = `4917000000${100 + count}`;
      const { id } = await clientOf(address).createContact({ name, phone: digits });
      const page = await (await browser.newContext(context)).newPage();
      page.setDefaultTimeout(patienceMs);
      page.on('pageerror', (error) => shared.complaints.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') shared.complaints.push(message.text());
      });
      await page.goto(`${address}/#${phoneNumberId}/${id}`);
      await page.locator('.welcome').waitFor();
      return { page, contactId: id, name, digits };
    },
  };
  beforeAll(async () => {
    dev = new DevProcess({ env: { PORT: '0' } });
    browser = await openBrowser();
    ({ phone: address } = await dev.ready());
  });
  afterAll(async () => {
    await browser?.close();
    await dev?.remove();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    expect(shared.complaints.splice(0)).toEqual([]);
  });
  return shared;
}

/** A page, or one phone of it. */
type Place = Page | Locator;

export const field = (place: Place) => place.getByLabel('Message', { exact: true });

export async function write(place: Place, text: string): Promise<void> {
  await field(place).fill(text);
  await field(place).press('Enter');
}

export const own = (place: Place, text: string | RegExp) =>
  place.locator('.from-customer', { hasText: text });
export const answer = (place: Place, text: string) => place.locator('.from-business', { hasText: text });

/**
 * Notes whether something is so on the page at any moment from now on, however short: a locator looks only twice a second.
 * What it is is told in the page's own words; `wasSeen` resolves once it was so.
 */
export async function watchFor(page: Page, condition: string): Promise<{ wasSeen(): Promise<unknown> }> {
  const watched = `watched[${JSON.stringify(condition)}]`;
  await page.evaluate(`
    window.watched ??= {};
    ${watched} = {
      seen: new Promise((seen) => {
        const look = () => (${condition}) && seen();
        const all = { attributes: true, characterData: true, childList: true, subtree: true };
        new MutationObserver(look).observe(document, all);
        look();
      }),
    };
    null;
  `);
  return { wasSeen: () => page.evaluate(`${watched}.seen`) };
}

/** What fades in has another contrast on the way; the end is what counts. What moves for ever is not waited for. */
export async function fadedIn(page: Page): Promise<void> {
  await page.evaluate(`Promise.all(
    document.getAnimations()
      .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)
      .map(({ finished }) => finished.catch(() => {})),
  ).then(() => {})`);
}

/** What a customer said last, as it went to the server; with `quoting`, as an answer to a message. */
export async function lastSaid(
  address: string,
  wanted: { contactId: string; type: string; quoting?: boolean },
) {
  const { contactId, type, quoting = false } = wanted;
  const isWanted = (event: { kind: string; contactId?: unknown; type?: unknown; replyTo?: unknown }) =>
    event.kind === 'said' &&
    event.contactId === contactId &&
    event.type === type &&
    (!quoting || typeof event.replyTo === 'string');
  const events = await eventsUntil(address, (seen) => seen.some(isWanted));
  const found = events.findLast(isWanted);
  if (found?.kind !== 'said') throw new Error(`${contactId} said no ${type}.`);
  return found;
}

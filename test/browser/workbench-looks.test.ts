/** How the workbench holds its place: for every reader, at every width, while it is busy, and when the bot is broken. */
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { WorkbenchClient } from '../dev/workbench-client.ts';
import { demandBrowser, hasBrowser } from './browser.ts';
import { answer, fadedIn, usePhonePage, watchFor, write } from './phone-page.ts';

demandBrowser();

const wide = { width: 1440, height: 900 };

/** Notes what moves up or down in the workbench without a person's doing. Words that end at an edge may grow from it. */
const watchShifts = `
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      for (const { node, previousRect: from, currentRect: to } of sources) {
        const element = node instanceof Element ? node : node?.parentElement;
        const isMoved = from.height > 0 && to.height > 0 && Math.abs(from.y - to.y) >= 1;
        if (isMoved && element?.closest('.workbench')) window.shifts.push(element.className + ' by ' + (to.y - from.y));
      }
    }
  }).observe({ type: 'layout-shift' });
`;

describe.skipIf(!hasBrowser)('the looks of the workbench', () => {
  const phone = usePhonePage();

  async function openPage(options: BrowserContextOptions = {}) {
    const opened = await phone.open({ viewport: wide, ...options });
    await opened.page.locator('.wb-state[data-state="ready"]').waitFor({ state: 'attached' });
    return opened;
  }

  /** Findings that keep somebody out. */
  async function findingsOf(page: Page): Promise<string[]> {
    await fadedIn(page);
    await page.evaluate(axe.source);
    const found = (await page.evaluate("axe.run('.bench')")) as axe.AxeResults;
    expect(found.passes.length).toBeGreaterThan(10);
    const isGrave = ({ impact }: axe.Result) => impact === 'serious' || impact === 'critical';
    return found.violations
      .filter(isGrave)
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  test.each([
    { colorScheme: 'light', viewport: wide },
    { colorScheme: 'dark', viewport: wide },
    { colorScheme: 'light', viewport: { width: 360, height: 740 } },
    { colorScheme: 'dark', viewport: { width: 3840, height: 2160 } },
  ] as const)('axe finds nothing grave ($colorScheme, $viewport.width px)', async (options) => {
    const { page } = await openPage(options);
    await write(page, 'is anyone awake');
    await answer(page, 'is anyone awake').waitFor();
    if (options.viewport.width < 1_000) await page.getByRole('tab', { name: 'Workbench' }).click();
    await page.locator('.wb-step-item[data-kind="sent"]').waitFor();
    await page.locator('.wb-step').nth(2).click();
    expect(await findingsOf(page)).toEqual([]);
    const faults = page.getByRole('tab', { name: /^Faults/ });
    if ((await faults.count()) > 0) await faults.click();
    await page.locator('fieldset:not([disabled]) [data-fault="loseAnswer"]').waitFor();
    expect(await findingsOf(page)).toEqual([]);
  });

  test.each([360, 820, 1_100, 1_440, 3_840])('at %d px nothing stands out', async (width) => {
    const { page } = await openPage({ viewport: { width, height: Math.max(740, width / 2) } });
    await write(page, `https://example.com/${'a-very-long-word'.repeat(20)}`);
    await page.locator('.wb-step-item[data-kind="sent"]').waitFor({ state: 'attached' });
    if (width < 1_088) await page.getByRole('tab', { name: 'Workbench' }).click();
    await page.locator('.wb-step').nth(1).click();
    await page.locator('.wb-raw').waitFor();
    const faults = page.getByRole('tab', { name: /^Faults/ });
    for (const isSecond of [false, true]) {
      if (isSecond && (await faults.count()) > 0) await faults.click();
      for (const each of ['html', 'body', '.bench', '.workbench', '.wb-card', '.wb-panel']) {
        const boxes = await page
          .locator(each)
          .evaluateAll((found) => found.map(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]));
        for (const [scrolled, seen] of boxes) expect(scrolled, each).toBeLessThanOrEqual(seen!);
      }
    }
  });

  test('messages, a kill and a jump of the clock move nothing about', async () => {
    const { page } = await openPage();
    await page.evaluate(watchShifts);
    const workbench = new WorkbenchClient(phone.address);
    const { contactId } = new URL(page.url()).hash.match(/\/(?<contactId>.+)$/)!.groups!;
    const say = { phoneNumberId: '106540352242922', contact: contactId!, type: 'text' };
    await phone.client.say({ ...say, text: 'slow 1' });
    await answer(page, 'I thought about it').waitFor();
    const down = await watchFor(page, `document.querySelector('.wb-state').dataset.state !== 'ready'`);
    await workbench.kill();
    await down.wasSeen();
    await phone.client.say({ ...say, text: 'are you back' });
    await answer(page, 'are you back').waitFor();
    await workbench.jump(600_000);
    await page.locator('.wb-ahead', { hasText: 'ahead' }).waitFor();
    await page.locator('.wb-step-item[data-kind="sent"]').waitFor();
    expect(await page.evaluate('window.shifts')).toEqual([]);
  });

  test('a load is set by the slider, counted, and fills neither the page nor the list of customers', async () => {
    const { page } = await openPage();
    const slider = page.getByLabel('Messages a second');
    const counted = async (name: string) =>
      Number(
        (await page
          .locator('.wb-load .wb-figure', { has: page.getByText(name, { exact: true }) })
          .locator('dd')
          .textContent())!.replace(/\D/g, ''),
      );
    await slider.focus();
    for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press('ArrowRight');
    await slider.and(page.locator('[aria-valuetext="20 messages a second"]')).waitFor();
    await expect.poll(() => counted('answered'), { timeout: 60_000 }).toBeGreaterThan(40);
    const curve = page.getByRole('img', { name: /^Answer times of the last minute/ });
    await curve.waitFor();
    const scale = (await page.locator('.wb-spark-top', { hasText: / m?s$/ }).boundingBox())!;
    expect(scale.y + scale.height).toBeLessThanOrEqual((await curve.boundingBox())!.y);
    expect(await page.locator('.workbench *').count()).toBeLessThan(600);
    expect(await page.getByText(/^Load \d+$/).count()).toBe(0);
    const loadOf = async () => (await new WorkbenchClient(phone.address).state()).load;
    const isDrained = () =>
      expect.poll(loadOf, { timeout: 120_000 }).toMatchObject({ perSecond: 0, waiting: 0 });
    // The door's answer comes late: the stream has told newer figures by then.
    await page.route('**/_dev/load', async (route) => {
      const response = await route.fetch();
      await isDrained();
      await route.fulfill({ response, json: { perSecond: 0, asked: 1, answered: 1, waiting: 0 } });
    });
    await slider.focus();
    const told = page.waitForResponse('**/_dev/load');
    await page.keyboard.press('Home');
    await isDrained();
    await (await told).finished();
    const { asked, answered } = await loadOf();
    expect(answered).toBe(asked);
    for (const [name, value] of Object.entries({ asked, answered, waiting: 0 }))
      await expect.poll(() => counted(name), { message: name }).toBe(value);
  });

  test('what is wrong with the bot stands over the foot, is hidden on demand, and goes when it is mended', async () => {
    const { page } = await openPage();
    const problems = page.locator('.wb-problems-box');
    phone.dev.configure('export default { limits: { noSuchLimit: 1 } };\n');
    await problems.filter({ hasText: 'noSuchLimit' }).waitFor();
    const panel = (await page.locator('.wb-cards').boundingBox())!;
    expect(panel.y).toBeLessThan((await problems.boundingBox())!.y);
    expect(await findingsOf(page)).toEqual([]);
    await problems.getByRole('button', { name: 'Hide' }).click();
    await problems.waitFor({ state: 'detached' });
    phone.dev.configure('export default { limits: { noSuchLimitEither: 1 } };\n');
    await problems.filter({ hasText: 'noSuchLimitEither' }).waitFor();
    phone.dev.configure('export default {};\n');
    await problems.waitFor({ state: 'detached' });
    await page.locator('.wb-state[data-state="ready"]').waitFor();
  });
});

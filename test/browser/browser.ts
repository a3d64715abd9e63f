/**
 * A real browser for tests of pages: the Chromium of the machine, driven without a driver of its own. Where there is none,
 * a person's run skips these tests and says so; a run with CI set fails, since there nobody would read that.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { test } from 'vitest';

const places = process.env.CHROMIUM_PATH
  ? [process.env.CHROMIUM_PATH]
  : [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ];

const chromiumPath = places.find((path) => existsSync(path));

export const hasBrowser = chromiumPath !== undefined;

const howToInstall = `There is no Chromium at ${places.join(', ')}, so no page can be tested. Install it (apt-get install chromium), or set CHROMIUM_PATH to where it is.`;

/** To be called once in each file of tests that need a browser. */
export function demandBrowser(): void {
  if (hasBrowser) return;
  if (process.env.CI) {
    test('a browser is there', () => {
      throw new Error(howToInstall);
    });
  } else {
    console.warn(`Tests are skipped. ${howToInstall}`);
    test.skip('a browser is there', () => {});
  }
}

/** Without its calls to the outside; with the devices of the machine, or with a microphone that beeps. */
export function openBrowser({ beeps = false }: { beeps?: boolean } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(beeps ? ['--use-fake-device-for-media-stream'] : []),
    ],
  });
}

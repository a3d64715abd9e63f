/** The page about HTTP says the limits that are in force. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { depthMax } from '#core/json-depth.ts';
import { limits } from '#core/limits.ts';
import { elementsMax } from '#pipeline/webhook/place.ts';

const page = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8');

test('each limit of the door stands there with its value', () => {
  const names = Object.keys(limits).filter((name) => /^(http|webhookBody)/.test(name));
  expect(names.length).toBe(7);
  for (const name of names)
    expect(page).toContain(`| \`${name}\` | ${limits[name as keyof typeof limits]} |`);
  expect(page).toContain(`deeper than ${depthMax} levels`);
  expect(page).toContain(`more than\n${elementsMax.toLocaleString('en')} elements`);
});

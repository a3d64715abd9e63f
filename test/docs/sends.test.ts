/** The page of sends: every example is built and taken by the look-alike; its limits and types are those in force. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SendBody } from '#core/model/send-bodies.ts';
import * as builders from '#core/model/send-builders/index.ts';
import { fileLimits, sendLimits } from '#core/model/send-limits.ts';
import { FileFault } from '#core/ports/files.ts';
import { refusalOf } from '../sends/samples.ts';

const page = readFileSync('docs/reference/sends.md', 'utf8');
const notSends = ['BadSend', 'readReceipt'];
const makers = Object.entries(builders).filter(([name]) => !notSends.includes(name));

test('every example is taken by the look-alike, and there is one for each builder', () => {
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  const names = makers.map(([name]) => name);
  const values = makers.map(([, build]) => build);
  const bodies = blocks.flatMap(
    (code) => new Function(...names, `return [${code}];`)(...values) as SendBody[],
  );
  expect(bodies.length).toBeGreaterThan(20);
  expect(bodies.map(refusalOf).filter((refusal) => refusal !== null)).toEqual([]);
  const used = names.filter((name) => new RegExp(`^${name}\\(`, 'm').test(blocks.join('\n')));
  expect(used).toEqual(names);
});

test('the limits on the page are those in force', () => {
  for (const [name, value] of Object.entries(sendLimits))
    expect(page).toContain(`| \`${name}\` | ${value.toLocaleString('en-US')} |`);
  for (const [kind, { bytesMax, mimeTypes }] of Object.entries(fileLimits))
    expect(page).toContain(
      `| ${kind} | ${bytesMax.toLocaleString('en-US')} bytes | ${mimeTypes.map((each) => `\`${each}\``).join(', ')} |`,
    );
});

test('every fault of a file stands on the page', () => {
  const codes: FileFault['code'][] = ['gone', 'tooLarge', 'badType', 'damaged', 'unavailable', 'notUploaded'];
  for (const code of codes) {
    expect(page).toContain(`\`${code}\``);
    expect(new FileFault(code, 'x', { retryable: false }).code).toBe(code);
  }
});

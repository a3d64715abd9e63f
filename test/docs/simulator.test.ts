/** The page of the simulator tells every fault with its settings, every rule, every type and every field there is. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultFaults } from '#simulator/faults.ts';
import { SAYABLE_TYPES } from '#simulator/inbound/inbound-content.ts';
import { NOTICE_FIELDS } from '#simulator/inbound/notices.ts';
import { defaultRules } from '#simulator/settings.ts';

const page = readFileSync(new URL('../../docs/reference/simulator.md', import.meta.url), 'utf8');
const partOf = (title: string) => page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
/** The names in the first column of the part's table. */
const rowsOf = (title: string) =>
  partOf(title)
    .split('\n')
    .flatMap((line) => {
      const [, first = '', ...cells] = line.split('|');
      return [...first.matchAll(/`(\w+)`/g)].map(([, name]) => ({ name: name ?? '', cells }));
    });
const namesIn = (title: string) =>
  rowsOf(title)
    .map(({ name }) => name)
    .sort();

it('has every fault, with every setting of its own', () => {
  expect(namesIn('Faults').filter((name) => name !== 'fault' && name !== 'type')).toEqual(
    Object.keys(defaultFaults()).sort(),
  );
  const everyTrigger = ['rate', 'next', 'phoneNumberId', 'fromMs', 'untilMs'];
  const missing = rowsOf('Faults').flatMap(({ name, cells }) => {
    const settings = Object.entries(defaultFaults()).find(([fault]) => fault === name)?.[1] ?? {};
    const own = Object.keys(settings).filter((key) => !everyTrigger.includes(key));
    return own.filter((key) => !cells[0]?.includes(`\`${key}\``)).map((key) => `${name}.${key}`);
  });
  expect(missing).toEqual([]);
});

it('has every rule', () => {
  expect(namesIn('Rules')).toEqual(Object.keys(defaultRules()).sort());
});

it('has every type that a contact can say', () => {
  expect(namesIn('What a contact can say').filter((name) => name !== 'type')).toEqual(
    [...SAYABLE_TYPES].sort(),
  );
});

it('has every field that needs no value', () => {
  const told = partOf('What else comes by webhook');
  expect(NOTICE_FIELDS.filter((field) => !told.includes(`\`${field}\``))).toEqual([]);
});

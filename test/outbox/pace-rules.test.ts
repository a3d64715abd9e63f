/**
 * From the tenants file to the paces that bind a number's sends.
 */
import { expect, test } from 'vitest';
import { paceRulesOf } from '#pipeline/outbox/station.ts';
import { Directory } from '#runtime/directory.ts';
import { readTenantsFile } from '#runtime/tenants-file.ts';

function rulesFor(limits: Record<string, number>, number: Record<string, unknown> = {}) {
  const file = { tenants: [{ id: 'acme', limits, phoneNumbers: [{ id: '1', wabaId: '2', ...number }] }] };
  const directory = new Directory();
  directory.replace(readTenantsFile(file, ['assistant']));
  return paceRulesOf(directory, 'acme', '1');
}

test('a tenant that says nothing is bound by its number and the pair only', () => {
  const rules = rulesFor({});
  expect(rules).toMatchObject({
    wabaId: '2',
    wabaPerSecond: null,
    tenantPerSecond: null,
    waitDeliveredMs: null,
  });
  expect(rules.numberPerSecond).toBeGreaterThan(72);
  expect(rules.numberPerSecond).toBeLessThan(80);
});

test('limits of tenant and waba are in force, a coexistence number is slower', () => {
  expect(rulesFor({ sendsPerSecondMax: 7, wabaSendsPerSecondMax: 5 })).toMatchObject({
    tenantPerSecond: 7,
    wabaPerSecond: 5,
  });
  expect(rulesFor({}, { coexistence: true }).numberPerSecond).toBeLessThan(20);
});

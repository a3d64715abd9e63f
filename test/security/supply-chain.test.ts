/**
 * The checks of what is delivered beside our own code: they pass on what is here, and each bites on what it is for. That
 * the registry knows of no vulnerability can only be asked where it answers.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../.ci/audit.ts';
import { isAllowed, licenceProblems } from '../../.ci/licences.ts';
import {
  lockOfProduction,
  type ProductionPackage,
  productionPackages,
} from '../../.ci/production-packages.ts';
import { sbomProblems } from '../../.ci/sbom.ts';

const root = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const packages = productionPackages(root);
const names = packages.map(({ name }) => name);

const a: ProductionPackage = { name: 'a', version: '1.0.0', isInstalled: true, licence: 'MIT' };

describe('production packages', () => {
  test('are the dependencies and theirs, and nothing of development', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
    expect(names.filter((name) => name in manifest.devDependencies)).toEqual([]);
    // Needed by a dependency and by a tool: it is delivered.
    expect(names).toContain('@opentelemetry/api');
  });

  test('are pinned, with the hash of what was reviewed', () => {
    expect(Object.values(manifest.dependencies).filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual(
      [],
    );
    const { lock } = lockOfProduction(root) as { lock: { packages: Record<string, { integrity?: string }> } };
    const unhashed = Object.entries(lock.packages).filter(
      ([path, { integrity }]) => path !== '' && !integrity,
    );
    expect(unhashed).toEqual([]);
  });
});

describe('licences', () => {
  test('of all production packages are allowed', () => {
    expect(licenceProblems(packages)).toEqual([]);
  });

  test.each(['MIT', ' ISC ', '(AFL-2.1 OR BSD-3-Clause)', 'GPL-3.0-only OR MIT', 'MIT AND ISC', '(MIT)'])(
    '%s is allowed',
    (licence) => {
      expect(isAllowed(licence)).toBe(true);
    },
  );

  test.each([
    undefined,
    null,
    '',
    'GPL-3.0-only',
    'AGPL-3.0-or-later',
    'LGPL-2.1',
    'SSPL-1.0',
    'BUSL-1.1',
    'UNLICENSED',
    'SEE LICENSE IN LICENSE.txt',
    'mit',
    'MIT-ish',
    'MIT AND GPL-2.0',
    '(MIT OR ISC) AND GPL-2.0',
    'MIT*',
    { type: 'MIT' },
    [{ type: 'MIT' }],
    5,
  ])('%j is refused, and named with its package', (licence) => {
    expect(licenceProblems([a, { ...a, name: 'b', licence }])).toEqual([expect.stringContaining('b@1.0.0')]);
  });
});

describe('a bill of materials', () => {
  const component = (name: string, more: object = {}) => ({
    name,
    version: '1.0.0',
    purl: `pkg:npm/${name}@1.0.0`,
    ...more,
  });
  const problems = (components: object[], of: ProductionPackage[]) =>
    sbomProblems(JSON.stringify({ bomFormat: 'CycloneDX', components }), of);

  test('that lists what is installed is good', () => {
    const optional = { ...a, name: 'optional', isInstalled: false };
    const scoped = { ...a, name: '@scope/b' };
    expect(problems([component('a'), component('b', { group: '@scope' })], [a, scoped, optional])).toEqual(
      [],
    );
    expect(
      problems([component('a'), component('@scope/b'), component('optional')], [a, scoped, optional]),
    ).toEqual([]);
  });

  test.each([
    ['lacks a package', [], 'a@1.0.0 is missing.'],
    ['has another version of it', [component('a', { version: '2.0.0' })], 'a@1.0.0 is missing.'],
    [
      'lists what is not delivered',
      [component('a'), component('vitest')],
      'vitest@1.0.0 is not for production.',
    ],
    ['does not say where one comes from', [component('a', { purl: undefined })], 'a@1.0.0 has no purl.'],
  ])('that %s is refused', (_what, components, problem) => {
    expect(problems(components, [a])).toContain(problem);
  });

  test('in another format is refused', () => {
    expect(sbomProblems('{"spdxVersion":"SPDX-2.3"}', [])).toEqual(['It is no CycloneDX document.']);
  });
});

describe('an answer of the registry about vulnerabilities', () => {
  const counts = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 };
  const report = (vulnerabilities: object, more: object = {}) =>
    JSON.stringify({
      auditReportVersion: 2,
      vulnerabilities,
      metadata: { vulnerabilities: { ...counts, ...more } },
    });

  test('without any, or with lesser ones, passes and names them', () => {
    expect(verdictOf(report({}))).toEqual({ outcome: 'passed', lines: [] });
    const lesser = { b: { name: 'b', severity: 'moderate', range: '<2' } };
    expect(verdictOf(report(lesser, { moderate: 1 }))).toEqual({
      outcome: 'passed',
      lines: ['moderate: b <2'],
    });
  });

  test.each(['high', 'critical'])('with a %s one fails, whether it is listed or only counted', (severity) => {
    expect(verdictOf(report({ b: { severity } })).outcome).toBe('failed');
    expect(verdictOf(report({}, { [severity]: 1 })).outcome).toBe('failed');
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    [
      'an error of the registry',
      '{"message":"405 Method Not Allowed","statusCode":405,"error":{"summary":"","detail":""}}',
    ],
    ['an error of the network', '{"error":{"code":"ENOTFOUND","summary":"request failed"}}'],
    ['half a report', '{"auditReportVersion":2,"vulnerabilities":{}}'],
  ])('that is %s is told as not run, never as passed', (_what, output) => {
    expect(verdictOf(output)).toEqual({ outcome: 'notRun', lines: [expect.any(String)] });
  });
});

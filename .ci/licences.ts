/**
 * Every package that an operator gets must have a licence that is known to go with Apache-2.0. To allow another, add its
 * SPDX id with a look at what it demands; to refuse a package, do not depend on it.
 */
import { type ProductionPackage, productionPackages } from './production-packages.ts';

/** Licences that demand no more than to be named. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** Whether an SPDX expression can be met by what is allowed: one of `OR`, all of `AND`. What cannot be read is refused. */
export function isAllowed(licence: unknown): boolean {
  if (typeof licence !== 'string') return false;
  const bare = licence.trim();
  if (!/^[\w.+() -]+$/.test(bare)) return false;
  const inner = /^\(([^()]*)\)$/.exec(bare)?.[1] ?? bare;
  if (/[()]/.test(inner)) return false;
  return inner.split(/ OR /).some((choice) => choice.split(/ AND /).every((id) => allowed.has(id.trim())));
}

/** One line for each package whose licence is not known to be good. */
export function licenceProblems(packages: readonly ProductionPackage[]): string[] {
  return packages
    .filter(({ licence }) => !isAllowed(licence))
    .map(({ name, version, licence }) => `${name}@${version}: ${JSON.stringify(licence) ?? 'no licence'}`);
}

if (process.argv[1] === import.meta.filename) {
  const packages = productionPackages(process.cwd());
  const problems = licenceProblems(packages);
  for (const problem of problems) console.log(`Licence not allowed: ${problem}`);
  console.log(
    `${packages.length} production packages, ${problems.length} with a licence that is not allowed.`,
  );
  process.exitCode = packages.length > 0 && problems.length === 0 ? 0 : 1;
}

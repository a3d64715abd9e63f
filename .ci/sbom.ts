/**
 * Writes a bill of materials (CycloneDX) by `npm sbom`, and checks it: every production package that is installed must
 * stand in it with its version and its origin, and nothing that only development needs.
 *
 * npm is given the lock file without the packages of development: in a whole one it leaves out what is needed by both
 * sides where it meets the development's side first. Should the part not be complete by itself, npm says so and fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockOfProduction, type ProductionPackage, productionPackages } from './production-packages.ts';

interface Component {
  name?: string;
  group?: string;
  version?: string;
  purl?: string;
}

/** One line for each difference between the bill and what is installed. */
export function sbomProblems(text: string, packages: readonly ProductionPackage[]): string[] {
  const bill = JSON.parse(text) as { bomFormat?: string; components?: Component[] };
  if (bill.bomFormat !== 'CycloneDX') return ['It is no CycloneDX document.'];
  const listed = new Map(
    (bill.components ?? []).map((component) => [nameOf(component), component.purl] as const),
  );
  const installed = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const missing = packages
    .filter(({ name, version, isInstalled }) => isInstalled && !listed.has(`${name}@${version}`))
    .map(({ name, version }) => `${name}@${version} is missing.`);
  const needless = [...listed.keys()]
    .filter((name) => !installed.has(name))
    .map((name) => `${name} is not for production.`);
  const nameless = [...listed]
    .filter(([, purl]) => purl === undefined)
    .map(([name]) => `${name} has no purl.`);
  return [...missing, ...needless, ...nameless];
}

function nameOf({ group, name, version }: Component): string {
  return `${group === undefined || group === '' ? '' : `${group}/`}${name}@${version}`;
}

/** @throws Error where npm does not give one */
function makeSbom(folder: string): string {
  const part = mkdtempSync(join(tmpdir(), 'nightdesk-sbom-'));
  try {
    const { manifest, lock } = lockOfProduction(folder);
    writeFileSync(join(part, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(part, 'package-lock.json'), JSON.stringify(lock));
    const options = ['--package-lock-only', '--sbom-format=cyclonedx', '--omit=dev'];
    const made = spawnSync('npm', ['sbom', ...options], { cwd: part, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`npm sbom failed: ${made.stderr}`);
    return made.stdout;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , path = ''] = process.argv;
  const text = makeSbom(process.cwd());
  writeFileSync(path, text);
  const packages = productionPackages(process.cwd());
  const problems = sbomProblems(text, packages);
  for (const problem of problems) console.log(`Bill of materials: ${problem}`);
  const count = packages.filter(({ isInstalled }) => isInstalled).length;
  console.log(`${count} production packages, ${problems.length} problems. The bill of materials is ${path}`);
  process.exitCode = count > 0 && problems.length === 0 ? 0 : 1;
}

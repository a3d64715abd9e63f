/** The packages that an operator gets with Nightdesk: all of the lock file but what only development needs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProductionPackage {
  name: string;
  version: string;
  /** False for an optional package of another platform. */
  isInstalled: boolean;
  /** As the package itself says it, or the lock file where it is not installed. */
  licence: unknown;
}

interface Locked {
  name?: string;
  version?: string;
  license?: unknown;
  dev?: boolean;
  link?: boolean;
  optional?: boolean;
}

interface Manifest {
  license?: unknown;
  licenses?: unknown;
}

/** @throws Error where a package that must be there is not installed */
export function productionPackages(folder: string): ProductionPackage[] {
  return lockedPackages(readLock(folder)).map(([path, locked]) => {
    const name = locked.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const manifestPath = join(folder, path, 'package.json');
    const isInstalled = existsSync(manifestPath);
    if (!isInstalled && locked.optional !== true)
      throw new Error(`${name} stands in package-lock.json and is not installed. Run npm ci.`);
    const { license, licenses } = isInstalled ? readJson<Manifest>(manifestPath) : (locked as Manifest);
    return { name, version: locked.version ?? '', isInstalled, licence: license ?? licenses };
  });
}

/** Manifest and lock file of the same project without its development. */
export function lockOfProduction(folder: string): { manifest: object; lock: object } {
  const lock = readLock(folder);
  const manifest = withoutDevelopment(readJson<Record<string, unknown>>(join(folder, 'package.json')));
  const root = withoutDevelopment((lock.packages[''] ?? {}) as Record<string, unknown>);
  return { manifest, lock: { ...lock, packages: { '': root, ...Object.fromEntries(lockedPackages(lock)) } } };
}

/** Workspaces are built here and published as files. */
function withoutDevelopment({
  devDependencies: _,
  workspaces: __,
  ...rest
}: Record<string, unknown>): object {
  return rest;
}

interface Lock {
  packages: Record<string, Locked>;
}

const readLock = (folder: string) => readJson<Lock>(join(folder, 'package-lock.json'));

function lockedPackages({ packages }: Lock): [string, Locked][] {
  return Object.entries(packages).filter(
    ([path, locked]) => path.startsWith('node_modules/') && locked.dev !== true && locked.link !== true,
  );
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

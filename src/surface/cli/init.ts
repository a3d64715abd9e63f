/**
 * `nightdesk init my-bot`: a small project that runs at once. Its files are those of `templates/project`, which are checked
 * and tested like our own; a leading `_` stands for a dot or keeps npm from taking a file for one of this package. Only
 * `package.json` is completed here, with the versions that this very package was built and tested with.
 *
 * It loads nothing but the platform, and nothing that is newer than Node 20, so that `npx nightdesk init` also works where
 * Node is too old for the server: such a project brings a Node of its own. To change what is made, change the template.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/model/faults.ts';

const template = fileURLToPath(new URL('../../../templates/project/', import.meta.url));
const ownManifest = new URL('../../../package.json', import.meta.url);

/** Its name in the template, wherever the project's own stands. */
const templateName = 'my-bot';
const renamed: Readonly<Record<string, string>> = {
  '_package.json': 'package.json',
  _gitignore: '.gitignore',
  _dockerignore: '.dockerignore',
  '_env.example': '.env.example',
};

export interface ProjectOptions {
  /** Where the project is made; its last part is its name. */
  path: string;
  /** A packed Nightdesk to depend on, instead of the published one. */
  packageFile?: string;
  /** Of the Node that runs, e.g. `v24.1.0`. */
  nodeVersion: string;
}

interface Manifest {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Makes the project and returns the paths of its files. @throws Fault badRequest before anything is written */
export function makeProject({ path, packageFile, nodeVersion }: ProjectOptions): string[] {
  const folder = resolve(path);
  const name = basename(folder);
  const manifest = JSON.parse(readFileSync(ownManifest, 'utf8')) as Manifest;
  const added = dependenciesOf(manifest, { packageFile, nodeVersion });
  demandName(name, added);
  demandEmpty(folder);
  const files = filesOf(template).map((from) => {
    const text = readFileSync(join(template, from), 'utf8').replaceAll(templateName, name);
    const to = join(dirname(from), renamed[basename(from)] ?? basename(from));
    return { to, text: to === 'package.json' ? completed(text, added) : text };
  });
  try {
    for (const { to, text } of files) {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      writeFileSync(join(folder, to), text, { flag: 'wx', mode: 0o644 });
    }
    if (packageFile !== undefined) copyFileSync(resolve(packageFile), join(folder, basename(packageFile)));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new Fault(
      'badRequest',
      `The project could not be written to ${folder} (${code}). Check the rights and the free space there, remove what was written of it, and try again.`,
    );
  }
  return files.map(({ to }) => to).sort();
}

/** The command. */
export function init(path: string, options: { package?: string }): string {
  makeProject({
    path,
    nodeVersion: process.version,
    ...(options.package === undefined ? {} : { packageFile: options.package }),
  });
  const folder = resolve(path);
  const shown = relative(process.cwd(), folder);
  return [
    `Made ${basename(folder)}, a bot that books tables. Next:`,
    '',
    ...(shown === '' ? [] : [`  cd ${shown.includes(' ') ? `"${shown}"` : shown}`]),
    '  npm install',
    '  npm start      then open the phone page that it prints, and write something',
    '  npm test',
    '',
    'The dialog is in dialogs/table-booking.ts. README.md says what else there is.',
  ].join('\n');
}

interface Added {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  /** npm runs the install scripts of no package that is not named, and warns of each: Node's puts it in its place. */
  allowScripts?: Record<string, boolean>;
}

function dependenciesOf(
  manifest: Manifest,
  { packageFile, nodeVersion }: { packageFile: string | undefined; nodeVersion: string },
): Added {
  const { dependencies, devDependencies } = manifest;
  const ours = packageFile === undefined ? manifest.version : `file:${demandPackage(packageFile)}`;
  const isOld = isOlder(nodeVersion, manifest.engines.node);
  const scripts = {
    ...(isOld ? { node: true } : {}),
    // What it would build is in a packed one already.
    ...(packageFile === undefined ? {} : { nightdesk: false }),
  };
  const wanted = ['@types/node', ...(isOld ? ['node'] : []), 'typescript'];
  return {
    dependencies: { nightdesk: ours, zod: dependencies.zod ?? '*' },
    devDependencies: Object.fromEntries(wanted.map((name) => [name, devDependencies[name] ?? '*'])),
    ...(Object.keys(scripts).length === 0 ? {} : { allowScripts: scripts }),
  };
}

function completed(text: string, added: Added): string {
  return `${JSON.stringify({ ...(JSON.parse(text) as object), ...added }, null, 2)}\n`;
}

/** Whether a version such as `v20.1.0` is before the one that `>=22.18.0` names. */
function isOlder(version: string, range: string): boolean {
  const [have, need] = [version, range].map((each) => each.replace(/^\D+/, '').split('.').map(Number));
  for (const [at, part] of (need ?? []).entries()) {
    const own = have?.[at] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

/** The rules that npm has for names of packages. */
const nameForm = /^[a-z0-9][a-z0-9._-]{0,63}$/;

function demandName(name: string, { dependencies, devDependencies }: Added): void {
  if (!nameForm.test(name) || name === 'node_modules')
    throw new Fault(
      'badRequest',
      `"${name}" cannot be the name of a project: npm wants lower-case letters, digits, ".", "_" and "-", with a letter or digit first, at most 64. Give another name, e.g. nightdesk init my-bot.`,
    );
  if (name in dependencies || name in devDependencies)
    throw new Fault(
      'badRequest',
      `The project cannot be called "${name}": it depends on the package of that name, and npm would refuse to install it. Give another name, e.g. nightdesk init my-bot.`,
    );
}

function demandEmpty(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory())
    throw new Fault(
      'badRequest',
      `${folder} is a file, and a project is a folder. Nothing was changed. Give another name, or move the file away.`,
    );
  // What `git init` leaves may be there.
  const [first] = readdirSync(folder).filter((name) => name !== '.git');
  if (first !== undefined)
    throw new Fault(
      'badRequest',
      `${folder} is not empty (it has ${first}), and nothing in it is to be overwritten. Nothing was changed. Give another name, or empty the folder.`,
    );
}

/** The name of the file in the project, where it is copied to: so the project can be moved, and built in a container. */
function demandPackage(path: string): string {
  if (!existsSync(resolve(path)))
    throw new Fault('badRequest', `There is no file ${path}, named by --package. Make it with npm pack.`);
  if (!path.endsWith('.tgz') || !statSync(resolve(path)).isFile())
    throw new Fault(
      'badRequest',
      `${path}, named by --package, is no packed package. Name the .tgz file that npm pack made.`,
    );
  return basename(path);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/**
 * The files of the project as the tidy rules see them, and the form of what they find. A rule is a function from a tree
 * to findings, so that a test can plant a bad file in a tree of its own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { scan } from './scan.ts';

export interface TidyFile {
  /** From the root, with `/`. */
  path: string;
  text: string;
  /** The text with comments and the insides of strings blanked; same length, same lines. */
  code: string;
  /** The text with everything but comments blanked. */
  comments: string;
}

export interface Tree {
  files: ReadonlyMap<string, TidyFile>;
  /** True for files and folders. */
  has(path: string): boolean;
}

export interface Finding {
  path: string;
  line: number;
  /** What was found there. */
  what: string;
  /** Why it is not wanted. */
  reason: string;
  /** What to write in its place. */
  instead: string;
}

export type Rule = (tree: Tree) => Finding[];

const readable = /(\.(tsx?|js|mjs|json|md|html|css|sql|yml|yaml|sh|txt)|\/(run|nightdesk|LICENSE))$/;
const isScript = /\.(tsx?|js|mjs)$/;

export function treeOf(contents: Record<string, string>): Tree {
  const files = new Map<string, TidyFile>();
  const folders = new Set<string>();
  for (const [path, text] of Object.entries(contents)) {
    files.set(path, {
      path,
      text,
      ...(isScript.test(path)
        ? scan(text, { hasMarkup: path.endsWith('.tsx') })
        : { code: '', comments: '' }),
    });
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
      folders.add(path.slice(0, end));
  }
  return { files, has: (path) => files.has(path) || folders.has(path.replace(/\/$/, '')) };
}

/** What Git tracks or would: ignored files are nobody's business. */
export function readTree(root: string): Tree {
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  const contents: Record<string, string> = {};
  for (const path of listing.split('\0')) {
    const full = `${root}/${path}`;
    if (path === '' || !existsSync(full) || !statSync(full).isFile()) continue;
    contents[path] = readable.test(`/${path}`) ? readFileSync(full, 'utf8') : '';
  }
  return treeOf(contents);
}

export function filesUnder(tree: Tree, ...prefixes: string[]): TidyFile[] {
  return [...tree.files.values()].filter(({ path }) => prefixes.some((prefix) => path.startsWith(prefix)));
}

export function scriptsUnder(tree: Tree, ...prefixes: string[]): TidyFile[] {
  return filesUnder(tree, ...prefixes).filter(({ path }) => isScript.test(path));
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export function tell(findings: readonly Finding[]): string {
  return findings
    .map(
      ({ path, line, what, reason, instead }) =>
        `${path}:${line}  ${what}\n    why: ${reason}\n    instead: ${instead}`,
    )
    .join('\n');
}

/**
 * What the documents say exists. Links and paths must lead to a file; a function named like `this()` must be in the code;
 * every npm script stands in CONTRIBUTING.md, and there are few of them.
 */
import { posix } from 'node:path';
import {
  type Finding,
  filesUnder,
  lineAt,
  type Rule,
  scriptsUnder,
  type TidyFile,
  type Tree,
} from './tree.ts';

const scriptsMax = 10;
const rootFolders = 'src|test|docs|bench|bin|deploy|scripts|examples|phone|console|\\.ci';
const pathLike = new RegExp(`^(${rootFolders})/[\\w./*-]*$`);
const callLike = /^(?:[\w$]+\.)*([\w$]+)\(\)$/;

const documents = (tree: Tree) => filesUnder(tree, '').filter(({ path }) => path.endsWith('.md'));

export const checkLinks: Rule = (tree) =>
  documents(tree).flatMap((file) =>
    [...withoutFences(file.text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)|<img src="([^"]+)"/g)].flatMap(
      ({ index, 1: linked, 2: shown }) => {
        const link = linked ?? shown ?? '';
        if (/^([a-z]+:|#|\/\/)/i.test(link)) return [];
        const target = posix.join(posix.dirname(file.path), decodeURI(link.replace(/[#?].*$/, '')));
        if (tree.has(target)) return [];
        const reason = 'a link that leads nowhere';
        return [
          { ...at(file, index), what: `links to ${link}`, reason, instead: 'the path from this document' },
        ];
      },
    ),
  );

export const checkMentions: Rule = (tree) => {
  const code = scriptsUnder(tree, 'src/', 'phone/', 'console/', 'examples/')
    .map((file) => file.code)
    .join('\n');
  return documents(tree)
    .filter(({ path }) => path !== 'CHANGELOG.md')
    .flatMap((file) => mentionsIn(file, tree, code));
};

function mentionsIn(file: TidyFile, tree: Tree, code: string): Finding[] {
  return [...withoutFences(file.text).matchAll(/`([^`\n]+)`/g)].flatMap(({ index, 1: mention = '' }) => {
    const path = mention.replace(/:\d+$/, '');
    if (pathLike.test(path) && !pathExists(tree, path)) {
      const what = `mentions ${mention}`;
      return [
        { ...at(file, index), what, reason: 'there is no such file', instead: 'the path from the root' },
      ];
    }
    const called = callLike.exec(mention)?.[1];
    if (
      called !== undefined &&
      !new RegExp(`(?<![\\w$])${called.replaceAll('$', '\\$')}(?![\\w$])`).test(code)
    ) {
      const what = `mentions ${mention}`;
      return [
        {
          ...at(file, index),
          what,
          reason: 'no code has this name',
          instead: 'the name as it is in the code',
        },
      ];
    }
    return [];
  });
}

/** A pattern exists if the folder before its first star does. */
function pathExists(tree: Tree, path: string): boolean {
  const star = path.indexOf('*');
  return tree.has(star < 0 ? path : path.slice(0, path.lastIndexOf('/', star)));
}

export const checkNpmScripts: Rule = (tree) => {
  const manifest = tree.files.get('package.json');
  if (manifest === undefined) return [];
  const names = Object.keys((JSON.parse(manifest.text) as { scripts?: object }).scripts ?? {});
  const guide = tree.files.get('CONTRIBUTING.md')?.text ?? '';
  const findings = names
    .filter((name) => !new RegExp(`npm (run )?${name}(?![\\w:-])`).test(guide))
    .map((name) => ({
      ...at(manifest, manifest.text.indexOf(`"${name}"`)),
      what: `has the script ${name}, which CONTRIBUTING.md does not describe`,
      reason: 'who comes here reads there what can be run',
      instead: `a line with \`npm run ${name}\` in CONTRIBUTING.md`,
    }));
  if (names.length <= scriptsMax) return findings;
  const what = `has ${names.length} scripts`;
  const reason = `nobody remembers more than ${scriptsMax}`;
  return [...findings, { ...at(manifest, 0), what, reason, instead: 'an argument to one of them' }];
};

/** Blanks what stands in fences: commands and output, which the documents' own tests run. */
function withoutFences(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, (fence) => fence.replace(/[^\n]/g, ' '));
}

function at(file: TidyFile, index: number): { path: string; line: number } {
  return { path: file.path, line: lineAt(file.text, index) };
}

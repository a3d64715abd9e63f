/**
 * The project speaks only of itself: no path of a machine it was written on, no host of a private registry, no note that
 * lay beside it. The patterns are put together from pieces, so that this file does not break its own rule.
 */
import { type Finding, filesUnder, lineAt, type Rule, type TidyFile } from './tree.ts';

const joined = (...pieces: string[]) => pieces.join('');
const notes = ['DESIGN', 'STYLE', 'CLOUD-API', 'house-rules'].map((name) => joined(name, '\\.md')).join('|');

const patterns: [RegExp, string][] = [
  [new RegExp(joined('/wo', 'rk/(?!flows)'), 'g'), 'a path of the machine it was written on'],
  [
    new RegExp(joined('/(ro', 'ot|ho', 'me/\\w+|Us', 'ers/\\w+)/'), 'g'),
    'a path of the machine it was written on',
  ],
  [
    new RegExp(joined('(?<![\\w/])\\.(libr', 'ary|mir', 'ror)/'), 'g'),
    'a folder that is not part of the project',
  ],
  [new RegExp(`(?<![\\w-])(${notes})\\b`, 'g'), 'a note that is not part of the project'],
  [/\/tmp\/(?!nightdesk)[a-z]+\//g, 'a path of the machine it was written on'],
];

const resolvedUrl = /"resolved":\s*"(https?:\/\/[^/"]+)/g;
const publicRegistry = 'https://registry.npmjs.org';

export const checkWorkplace: Rule = (tree) =>
  filesUnder(tree, '').flatMap((file) => [...leaksIn(file), ...registriesIn(file)]);

function leaksIn(file: TidyFile): Finding[] {
  return patterns.flatMap(([pattern, reason]) =>
    [...file.text.matchAll(pattern)].map(({ index, 0: words }) => ({
      path: file.path,
      line: lineAt(file.text, index),
      what: `mentions ${words}`,
      reason: `${reason}, so it means nothing to anyone else`,
      instead: 'a path from the root of the project, or nothing',
    })),
  );
}

function registriesIn(file: TidyFile): Finding[] {
  if (!file.path.endsWith('package-lock.json')) return [];
  return [...file.text.matchAll(resolvedUrl)]
    .filter(({ 1: host }) => host !== publicRegistry)
    .map(({ index, 1: host }) => ({
      path: file.path,
      line: lineAt(file.text, index),
      what: `takes a package from ${host}`,
      reason: 'nobody else can reach that registry',
      instead: `${publicRegistry}, or no address at all`,
    }));
}

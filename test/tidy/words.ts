/**
 * One word for each concept, in names and in prose, and no word that promises to mend something later. Meta's and
 * Google's own names pass: they are written in snake case (`account_update`), or stand in `othersNames`.
 */
import { allowedWords, isAllowed } from './allowed.ts';
import { type Finding, filesUnder, lineAt, type Rule, type TidyFile } from './tree.ts';

interface BannedWord {
  /** The singular, in lower case. */
  word: string;
  instead: string;
  /** Where the word means something of others. Compared in lower case, with the words around it. */
  othersNames: RegExp;
}

const bannedWords: BannedWord[] = [
  {
    word: 'account',
    instead: 'tenant (a business) or waba (Meta’s), or call Meta’s own thing by its full name',
    othersNames:
      /\b(service|business|meta|whatsapp|google|github|bank|user) accounts?\b|\baccount.level\b|\baccount (review|update|alert)|\b(on|into|takes?) account\b/,
  },
  {
    word: 'thread',
    instead: 'conversation',
    othersNames:
      /\b(worker|main|event|own|another|one|single) threads?\b|\bthreads? (pool|control)|worker_?threads?/,
  },
  {
    word: 'session',
    instead: 'conversation',
    othersNames: /\b(tls|browser|ssh|database) sessions?\b|\bsession (cookie|resumption|ticket)/,
  },
  {
    word: 'flow',
    instead: 'dialog (ours), or waFlow (Meta’s product)',
    othersNames:
      /\b(wa|whatsapp) ?flows?\b|\bflow (control|token|json|reply)|\b(work|data|which|it) flows\b|\bflows (in|out|through|from|to|into|down|back)\b/,
  },
  {
    word: 'job',
    instead: 'turn, activity, send or wake',
    othersNames: /\b(its|one|only|whose) job\b/,
  },
];

const promises = /\b(TODO|FIXME|XXX|HACK)\b/g;
const silenced: [RegExp, string][] = [
  [/\bas\s+any\b/g, 'unknown and a check'],
  [/@ts-(ignore|nocheck)\b/g, 'a type that is true'],
];
const vagueNames = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'lib',
  'libs',
  'types',
  'misc',
  'shared',
]);

/** Recorded webhooks are Meta's words; the rules name what they ban. */
const isExempt = (path: string) => path.startsWith('test/fixtures/') || path.startsWith('test/tidy/');
const isProse = /\.(md|html)$/;
const isCode = /\.(tsx?|js|mjs|css|sql)$/;

export const checkWords: Rule = (tree) =>
  filesUnder(tree, '')
    .filter(({ path }) => !isExempt(path))
    .flatMap((file) => [...vagueNameOf(file), ...conceptsIn(file), ...promisesIn(file), ...silencedIn(file)]);

function vagueNameOf({ path }: TidyFile): Finding[] {
  return path
    .split('/')
    .filter((part) => vagueNames.has(part.replace(/\..*$/, '')))
    .map((part) => ({
      path,
      line: 1,
      what: `is named ${part}`,
      reason: 'such a name says nothing, so everything ends up in it',
      instead: 'the name of what is inside',
    }));
}

function conceptsIn(file: TidyFile): Finding[] {
  if (!isProse.test(file.path) && !isCode.test(file.path)) return [];
  const lines = file.text.split('\n');
  return lines.flatMap((line, i) => {
    const spaced = spacedOut(line);
    return bannedWords
      .filter(({ word, othersNames }) => new RegExp(`\\b${word}s?\\b`).test(withoutAll(spaced, othersNames)))
      .filter(({ word }) => !isAllowed(allowedWords, file.path, word))
      .map(({ word, instead }) => ({
        path: file.path,
        line: i + 1,
        what: `says "${word}"`,
        reason: 'one word for each concept, everywhere',
        instead,
      }));
  });
}

/** `waFlowReply` becomes `wa flow reply`; names in snake case, quotations and paths go: they are what others say. */
function spacedOut(line: string): string {
  return (
    line
      // A single word in single quotes is a value, more than one are a sentence of ours.
      .replace(/'[^'\s]*'|`[^`]*`|"[^"]*"|https?:\S+|[\w.-]*\/[\w./-]*/g, ' ')
      .replace(/\b\w+_\w+\b/g, ' ')
      .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
  );
}

function withoutAll(text: string, pattern: RegExp): string {
  return text.replace(new RegExp(pattern, 'g'), ' ');
}

function promisesIn({ path, text }: TidyFile): Finding[] {
  return [...text.matchAll(promises)].map(({ index, 0: word }) => ({
    path,
    line: lineAt(text, index),
    what: `says ${word}`,
    reason: 'what is not done is not in the tree; nobody comes back for it',
    instead: 'do it, or open an issue',
  }));
}

function silencedIn({ path, text, code, comments }: TidyFile): Finding[] {
  return silenced.flatMap(([pattern, instead]) =>
    [...`${code}\n${comments}`.matchAll(pattern)].map(({ index, 0: words }) => ({
      path,
      line: lineAt(text, index > code.length ? index - code.length - 1 : index),
      what: `says ${words}`,
      reason: 'it switches the compiler off where it was about to help',
      instead,
    })),
  );
}

/**
 * How long a file and a function may be. A function's own lines count: what it declares inside counts for itself, so
 * that a factory is not blamed for its methods.
 */
import { allowedFileLines, allowedFunctionLines, type Exception, isAllowed } from './allowed.ts';
import { type Finding, lineAt, type Rule, scriptsUnder, type TidyFile } from './tree.ts';

const fileLinesMax = 400;
const functionLinesMax = 70;

const checked = (tree: Parameters<Rule>[0]) =>
  scriptsUnder(tree, 'src/', 'phone/', 'test/', 'bench/', 'scripts/', 'examples/');

export const checkFileSizes: Rule = (tree) =>
  checked(tree)
    .filter(({ path }) => !isAllowed(allowedFileLines, path))
    .flatMap(tooLong);

export const checkFunctionSizes: Rule = (tree) =>
  checked(tree).flatMap((file) => longFunctions(file, allowedFunctionLines));

/** Exceptions that excuse nothing. */
export const checkSizeExceptions: Rule = (tree) => {
  const unused = [
    ...allowedFileLines.filter(
      (exception) =>
        !checked(tree).some((file) => tooLong(file).length > 0 && isAllowed([exception], file.path)),
    ),
    ...allowedFunctionLines.filter(
      (exception) =>
        !checked(tree).some((file) =>
          longFunctions(file, []).some((found) => isAllowed([exception], found.path, found.name)),
        ),
    ),
  ];
  return unused.map(({ path, of }) => ({
    path: 'test/tidy/allowed.ts',
    line: 1,
    what: `excuses the size of ${path}${of === undefined ? '' : ` ${of.join(', ')}`}`,
    reason: 'there is nothing left to excuse',
    instead: 'remove the entry',
  }));
};

function tooLong({ path, text }: TidyFile): Finding[] {
  const lines = text.trimEnd().split('\n').length;
  if (lines <= fileLinesMax) return [];
  return [
    {
      path,
      line: lines,
      what: `has ${lines} lines`,
      reason: `more than ${fileLinesMax} lines are more than one story`,
      instead: 'move one of its stories to a file of its own, or add it to allowed.ts with a reason',
    },
  ];
}

function longFunctions(
  { path, text, code }: TidyFile,
  exceptions: readonly Exception[],
): (Finding & { name: string })[] {
  return functionsIn(code)
    .filter(({ ownLines }) => ownLines > functionLinesMax)
    .filter(({ name }) => !isAllowed(exceptions, path, name))
    .map(({ name, index, ownLines }) => ({
      name,
      path,
      line: lineAt(text, index),
      what: `${name} has ${ownLines} lines of its own`,
      reason: `more than ${functionLinesMax} lines do not fit on one screen, nor in one head`,
      instead: 'let it branch and give each branch a function, or add it to allowed.ts with a reason',
    }));
}

interface FoundFunction {
  name: string;
  index: number;
  /** Without the lines of functions inside it. */
  ownLines: number;
}

interface OpenBrace {
  index: number;
  isFunction: boolean;
  innerLines: number;
}

export function functionsIn(code: string): FoundFunction[] {
  const found: FoundFunction[] = [];
  const open: OpenBrace[] = [];
  for (const { index, 0: brace } of code.matchAll(/[{}]/g)) {
    if (brace === '{') {
      open.push({ index, isFunction: beginsFunction(code, index), innerLines: 0 });
      continue;
    }
    const closed = open.pop();
    if (closed === undefined) continue;
    const lines = code.slice(closed.index, index).split('\n').length;
    const outer = open.at(-1);
    if (outer !== undefined) outer.innerLines += closed.isFunction ? lines - 1 : closed.innerLines;
    if (!closed.isFunction) continue;
    found.push({
      name: nameBefore(code, closed.index),
      index: closed.index,
      ownLines: lines - closed.innerLines,
    });
  }
  return found;
}

const statement = /\b(if|for|while|switch|catch|with)\s*(await\s*)?$/;

/** A brace after `=>`, or after the closing parenthesis of parameters and perhaps a result type. */
function beginsFunction(code: string, brace: number): boolean {
  const before = code.slice(Math.max(0, brace - 2_000), brace).trimEnd();
  if (before.endsWith('=>')) return true;
  const close = closingOfParameters(before);
  if (close < 0) return false;
  const opening = matching(before, close);
  return opening >= 0 && !statement.test(before.slice(0, opening));
}

/** Where the parameters end, or -1. Between them and the brace only a type may stand. */
function closingOfParameters(before: string): number {
  if (before.endsWith(')')) return before.length - 1;
  for (let at = before.lastIndexOf(')'); at > 0; at = before.lastIndexOf(')', at - 1)) {
    const between = before.slice(at + 1);
    if (/[;=]/.test(between.replaceAll('=>', ''))) return -1;
    if (/^\s*:\s*\S/.test(between) && isBalanced(between)) return at;
  }
  return -1;
}

function isBalanced(text: string): boolean {
  const count = (chars: RegExp) => [...text.matchAll(chars)].length;
  return count(/\{/g) === count(/\}/g) && count(/\(/g) === count(/\)/g) && count(/</g) === count(/(?<!=)>/g);
}

function matching(text: string, close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (text[at] === ')') depth++;
    if (text[at] === '(' && --depth === 0) return at;
  }
  return -1;
}

const named = [
  /\bfunction\s*\*?\s*([\w$]+)/g,
  /\b(?:const|let|readonly|private(?!\s+readonly))\s+([\w$]+)\b[^;=]*=(?![=>])/g,
  /(?:^|\n)\s*(?:(?:async|private|readonly|static|get|set)\s+)*(?!if\b|for\b|while\b|switch\b|catch\b)([\w$]+)\s*(?:<[^>]*>)?\(/g,
];

/** The nearest name before the brace that a function could have; good enough for a message. */
function nameBefore(code: string, brace: number): string {
  const head = code.slice(Math.max(0, brace - 600), brace);
  const nearest = named
    .flatMap((pattern) => [...head.matchAll(pattern)])
    .toSorted((a, b) => a.index - b.index)
    .at(-1);
  return nearest?.[1] ?? 'a function';
}

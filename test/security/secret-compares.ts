/**
 * A rule about the source: what is named like a secret is not compared by an operator or a method that ends at the first
 * difference, since the time that takes tells how much of a guess was right. It goes by names, so a secret must have one.
 */
import { type Exception, excuses } from '../tidy/allowed.ts';
import { type Finding, lineAt, type Rule, scriptsUnder, type TidyFile, type Tree } from '../tidy/tree.ts';

const secretName =
  /(secret|token|password|passphrase|signature|digest|hmac|credential|bearer|authorization|api_?key)s?$/i;

/** What a secret may be compared with in the open: whether it is there, of which type, how long. */
const harmless = /^(undefined|null|true|false|-?\d[\d_]*|'[^']*'|"[^"]*"|`\s*`)$/;
const isMeasure = (operand: string) =>
  /^typeof\b/.test(operand) || /\??\.\s*(length|byteLength|size)$/.test(operand);

const comparing =
  /(?<!\b(?:Buffer|Object)\s*)\.\s*(includes|indexOf|lastIndexOf|startsWith|endsWith|has|equals|localeCompare|compare|search)\s*\(/g;
const calls = /\b(Buffer\s*\.\s*compare|Object\s*\.\s*is|deepEqual|isDeepStrictEqual)\s*\(/g;

export interface Compared {
  path: string;
  line: number;
  /** The names that made it a finding. */
  of: string[];
}

/** Where secrets are compared in the open, each with its names. */
export function comparesIn({ path, text, code }: TidyFile): Compared[] {
  const found: { index: number; names: string[] }[] = [];
  for (const { index, 0: operator } of code.matchAll(/[!=]==?(?![=>])/g)) {
    if (/[=!<>]/.test(code[index - 1] ?? '')) continue;
    const operands = [operandBefore(code, index), operandAfter(code, index + operator.length)];
    if (operands.some((operand) => harmless.test(operand) || isMeasure(operand))) continue;
    found.push({ index, names: operands.flatMap(secretsIn) });
  }
  for (const { index, 0: call } of code.matchAll(comparing)) {
    const subject = operandBefore(code, index);
    const argument = operandAfter(code, index + call.length);
    const names = harmless.test(argument) ? [] : [...secretsIn(subject), ...secretsIn(argument)];
    found.push({ index, names });
  }
  for (const { index, 0: call } of code.matchAll(calls))
    found.push({
      index,
      names: secretsIn(code.slice(index + call.length, closing(code, index + call.length))),
    });
  for (const { index, 1: subject = '' } of code.matchAll(/\bswitch\s*\(([^)]*)\)/g))
    found.push({ index, names: secretsIn(subject) });
  return found
    .filter(({ names }) => names.length > 0)
    .map(({ index, names }) => ({ path, line: lineAt(text, index), of: names }));
}

export function ruleWith(allowed: readonly Exception[]): Rule {
  const isAllowed = ({ path, of }: Compared) =>
    of.every((name) => allowed.some((exception) => excuses(exception, path, name)));
  return (tree) => [
    ...allCompares(tree)
      .filter((compared) => !isAllowed(compared))
      .map(({ path, line, of }) =>
        finding(path, line, `compares ${[...new Set(of)].join(' and ')} in the open`),
      ),
    ...allowed
      .filter(
        (exception) =>
          !allCompares(tree).some(({ path, of }) => of.some((name) => excuses(exception, path, name))),
      )
      .map(({ path }) =>
        finding(
          'test/security/secret-compares.test.ts',
          1,
          `excuses compares of ${path}, where there are none`,
        ),
      ),
  ];
}

function allCompares(tree: Tree): Compared[] {
  return scriptsUnder(tree, 'src/').flatMap(comparesIn);
}

function finding(path: string, line: number, what: string): Finding {
  const reason = 'the time that it takes tells how much of a guess is right';
  return { path, line, what, reason, instead: 'timingSafeEqual over digests of equal length' };
}

/** Names of an operand that sound like a secret; of `a.b.token(x)` every part counts. */
function secretsIn(operand: string): string[] {
  if (isMeasure(operand)) return [];
  return [...operand.matchAll(/[A-Za-z_$][\w$]*/g)]
    .map(([name]) => name)
    .filter((name) => secretName.test(stem(name)));
}

/** `tokenOf` and `secretsFor` give what they are named after. */
function stem(name: string): string {
  return name.replace(/(Of|For|From|Hex|Bytes|Text|Header|Value|Digest)$/, '') || name;
}

const ends = new Set([',', ';', '{', '}', '=', '&', '|', '?', ':', '<', '>', '+', '!', '\n']);

function operandBefore(code: string, end: number): string {
  let at = end - 1;
  while (at >= 0 && /\s/.test(code[at] ?? '')) at--;
  let depth = 0;
  for (; at >= 0; at--) {
    const char = code[at] ?? '';
    if (char === ')' || char === ']') depth++;
    else if (char === '(' || char === '[') {
      if (depth === 0) break;
      depth--;
    } else if (depth === 0 && ends.has(char) && !(char === '?' && code[at + 1] === '.')) break;
  }
  return code
    .slice(at + 1, end)
    .replace(/^\s*(return|await|if|while|case|else|yield|new)\b/, '')
    .trim();
}

function operandAfter(code: string, begin: number): string {
  let at = begin;
  while (/\s/.test(code[at] ?? '')) at++;
  const start = at;
  let depth = 0;
  for (; at < code.length; at++) {
    const char = code[at] ?? '';
    if (char === '(' || char === '[') depth++;
    else if (char === ')' || char === ']') {
      if (depth === 0) break;
      depth--;
    } else if (depth === 0 && ends.has(char) && !(char === '?' && code[at + 1] === '.')) break;
  }
  return code.slice(start, at).trim();
}

/** Where the bracket closes that opened before `begin`. */
export function closing(code: string, begin: number): number {
  let depth = 1;
  for (let at = begin; at < code.length; at++) {
    if (code[at] === '(') depth++;
    if (code[at] === ')' && --depth === 0) return at;
  }
  return code.length;
}

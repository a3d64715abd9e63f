/**
 * Reads a JSON file or standard input, and says where it is broken. The place is found by our own scan: the platform's
 * message may quote the file, and the file holds tokens.
 */
import { readFileSync } from 'node:fs';
import { Fault } from '#core/model/faults.ts';

const standardInput = '-';

/** @throws Fault badRequest that names the file and the place. */
export function readJsonFile(path: string): unknown {
  const name = path === standardInput ? 'Standard input' : path;
  const text = readText(path, name);
  try {
    return JSON.parse(text);
  } catch {
    const at = faultAt(text);
    const lines = text.slice(0, at).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
    const what = at >= text.length ? 'it ends too early' : 'something else was expected there';
    throw new Fault('badRequest', `${name} is not JSON at ${place}: ${what}. Nothing was changed.`);
  }
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path === standardInput ? 0 : path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const why =
      {
        ENOENT: 'there is no such file',
        EACCES: 'it may not be read by this user',
        EISDIR: 'it is a folder',
      }[code] ?? code;
    throw new Fault('badRequest', `${name} cannot be read: ${why}. Nothing was changed.`);
  }
}

const tokens = {
  space: /[ \t\n\r]*/y,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string.
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
};

/** Where a text stops being JSON. */
export function faultAt(text: string): number {
  const scan = new Scan(text);
  scan.value();
  return scan.at;
}

/** Walks as far as the text is JSON; each step says whether it could be taken. */
class Scan {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): boolean {
    this.#take(tokens.space);
    const isTaken =
      this.#list('{', '}', () => this.#member()) ??
      this.#list('[', ']', () => this.value()) ??
      (this.#take(tokens.string) || this.#take(tokens.number) || this.#take(tokens.word));
    if (isTaken) this.#take(tokens.space);
    return isTaken;
  }

  #member(): boolean {
    this.#take(tokens.space);
    if (!this.#take(tokens.string)) return false;
    this.#take(tokens.space);
    return this.#sign(':') && this.value();
  }

  /** Undefined where no such list begins here. */
  #list(open: string, close: string, item: () => boolean): boolean | undefined {
    if (!this.#sign(open)) return undefined;
    this.#take(tokens.space);
    if (this.#sign(close)) return true;
    do if (!item()) return false;
    while (this.#sign(','));
    return this.#sign(close);
  }

  #sign(sign: string): boolean {
    if (this.#text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  #take(token: RegExp): boolean {
    token.lastIndex = this.at;
    const length = token.exec(this.#text)?.[0].length ?? 0;
    this.at += length;
    return length > 0;
  }
}

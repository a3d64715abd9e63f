/**
 * Parts a script into code, comments and strings without parsing it: blanking keeps every index and line where it was.
 * Templates keep the code inside `${}`. A slash begins a regular expression where a value may begin, which is right for
 * formatted code. In a `.tsx` a tag may be closed, which begins no expression.
 */
export interface Scanned {
  code: string;
  comments: string;
}

export interface ScanOptions {
  hasMarkup?: boolean;
}

export function scan(text: string, { hasMarkup = false }: ScanOptions = {}): Scanned {
  return new Scanner(text, hasMarkup).run();
}

const valueMayBegin =
  /(^|[([{,;:=!&|?+\-*%~^<>]|\b(return|typeof|case|in|of|do|else|void|delete|await|yield|throw))\s*$/;

class Scanner {
  private readonly text: string;
  private readonly hasMarkup: boolean;
  private readonly code: string[];
  private readonly comments: string[];
  /** For each template that is open: the depth of braces inside its `${`. */
  private readonly templates: number[] = [];
  private at = 0;

  constructor(text: string, hasMarkup: boolean) {
    this.text = text;
    this.hasMarkup = hasMarkup;
    const blank = text.replace(/[^\n]/g, ' ');
    this.code = [...blank.split('')];
    this.comments = [...blank.split('')];
  }

  run(): Scanned {
    while (this.at < this.text.length) this.step();
    return { code: this.code.join(''), comments: this.comments.join('') };
  }

  private step(): void {
    const { text, at } = this;
    const char = text[at]!;
    if (text.startsWith('//', at)) this.take(this.comments, indexOrEnd(text, '\n', at));
    else if (text.startsWith('#!', at) && at === 0) this.take(this.comments, indexOrEnd(text, '\n', at));
    else if (text.startsWith('/*', at)) this.take(this.comments, indexOrEnd(text, '*/', at + 2) + 2);
    else if (char === "'" || char === '"') this.quoted(char);
    else if (char === '`') this.template(at + 1);
    else if (this.hasMarkup && text.startsWith('</', at)) this.take(this.code, at + 2);
    else if (char === '/' && this.beginsValue()) this.expression();
    else if (char === '}' && this.templates.at(-1) === 0) {
      this.templates.pop();
      this.template(at + 1);
    } else {
      if (char === '{' && this.templates.length > 0) this.templates[this.templates.length - 1]!++;
      if (char === '}' && this.templates.length > 0) this.templates[this.templates.length - 1]!--;
      this.take(this.code, at + 1);
    }
  }

  private take(into: string[], end: number): void {
    for (; this.at < Math.min(end, this.text.length); this.at++) into[this.at] = this.text[this.at]!;
  }

  /** The quotes stay, so that code keeps its shape. */
  private quoted(quote: string): void {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== quote && this.text[end] !== '\n') {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.take(this.code, this.at + 1);
    this.at = end;
    this.take(this.code, end + 1);
  }

  private template(from: number): void {
    this.take(this.code, this.at + 1);
    let end = from;
    while (end < this.text.length && this.text[end] !== '`' && !this.text.startsWith('${', end)) {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.at = end;
    if (this.text[end] === '`') this.take(this.code, end + 1);
    else if (end < this.text.length) {
      this.take(this.code, end + 2);
      this.templates.push(0);
    }
  }

  private beginsValue(): boolean {
    return valueMayBegin.test(
      this.code
        .slice(Math.max(0, this.at - 200), this.at)
        .join('')
        .trimEnd(),
    );
  }

  private expression(): void {
    let end = this.at + 1;
    let inClass = false;
    while (end < this.text.length && this.text[end] !== '\n' && (inClass || this.text[end] !== '/')) {
      if (this.text[end] === '[') inClass = true;
      else if (this.text[end] === ']') inClass = false;
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.take(this.code, this.at + 1);
    this.at = end;
    this.take(this.code, end + 1);
  }
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}

export interface StringInCode {
  value: string;
  index: number;
}

/** Strings in quotes, in order; templates are not among them. */
export function stringsIn({ text, code }: { text: string; code: string }): StringInCode[] {
  const found: StringInCode[] = [];
  for (const match of code.matchAll(/'( *)'|"( *)"/g)) {
    const length = (match[1] ?? match[2] ?? '').length;
    found.push({ value: text.slice(match.index + 1, match.index + 1 + length), index: match.index });
  }
  return found;
}

/** What a script imports or re-exports, types and later imports included. */
export function importsIn(file: { text: string; code: string }): StringInCode[] {
  return stringsIn(file).filter(({ index }) =>
    /(?<![.\w$])(from|import)\s*\(?\s*$/.test(file.code.slice(Math.max(0, index - 40), index)),
  );
}

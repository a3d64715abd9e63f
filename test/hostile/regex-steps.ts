/**
 * How the work of a regular expression grows with the text, counted and not timed. The expression is taken apart and run
 * by a backtracking matcher that counts every look at a character; each repetition in it is attacked with texts made from
 * the expression itself: what leads to the repetition, what it takes, over and over, and an end that does not fit.
 * Knows what stands in `src/`; for another syntax it throws, and is to be taught.
 */

type Node =
  | { type: 'char'; test: (char: string) => boolean }
  | { type: 'assert'; holds: (text: readonly string[], at: number) => boolean }
  | { type: 'look'; negative: boolean; item: Node }
  | { type: 'sequence'; items: Node[] }
  | { type: 'choice'; items: Node[] }
  | { type: 'repeat'; item: Node; min: number; max: number; lazy: boolean };

class Parser {
  readonly chars: Extract<Node, { type: 'char' }>[] = [];
  readonly #source: string;
  readonly #flags: string;
  #at = 0;

  constructor(expression: RegExp) {
    this.#source = expression.source;
    this.#flags = expression.flags.replace(/[gymd]/g, '');
    this.multiline = expression.multiline;
  }

  readonly multiline: boolean;

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw this.#unknown();
    return node;
  }

  #choice(): Node {
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    return items.length === 1 ? items[0]! : { type: 'choice', items };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      items.push(this.#repeated(this.#atom()));
    }
    return items.length === 1 ? items[0]! : { type: 'sequence', items };
  }

  #repeated(item: Node): Node {
    const match = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/.exec(this.#source.slice(this.#at));
    if (match === null) return item;
    this.#at += match[0].length;
    const [, sign, from, comma, to, lazy] = match;
    const min = sign === undefined ? Number(from) : sign === '+' ? 1 : 0;
    const open = sign === undefined ? comma !== undefined && to === '' : sign !== '?';
    const max = open ? Number.POSITIVE_INFINITY : sign === '?' ? 1 : Number(comma === undefined ? from : to);
    return { type: 'repeat', item, min, max, lazy: lazy === '?' };
  }

  #atom(): Node {
    if (this.#take('(')) return this.#group();
    if (this.#take('^'))
      return this.#assert((text, at) => at === 0 || (this.multiline && text[at - 1] === '\n'));
    if (this.#take('$'))
      return this.#assert((text, at) => at === text.length || (this.multiline && text[at] === '\n'));
    const word = (char: string | undefined) => char !== undefined && /\w/.test(char);
    if (this.#take('\\b')) return this.#assert((text, at) => word(text[at - 1]) !== word(text[at]));
    const rest = this.#source.slice(this.#at);
    const found =
      /^(?:\[(?:[^\]\\]|\\.)*\]|\\p\{[^}]*\}|\\u\{[^}]*\}|\\u[\da-f]{4}|\\x[\da-f]{2}|\\[^1-9k]|[^\\])/isu.exec(
        rest,
      );
    if (found === null) throw this.#unknown();
    this.#at += found[0].length;
    return this.#char(found[0]);
  }

  #group(): Node {
    const behind = this.#take('?<!') ? 'no' : this.#take('?<=') ? 'yes' : null;
    const ahead = this.#take('?!') ? 'no' : this.#take('?=') ? 'yes' : null;
    if (behind === null && ahead === null && !this.#take('?:')) {
      const name = /^\?<\w+>/.exec(this.#source.slice(this.#at));
      this.#at += name?.[0].length ?? 0;
    }
    const item = this.#choice();
    if (!this.#take(')')) throw this.#unknown();
    if (ahead !== null) return { type: 'look', negative: ahead === 'no', item };
    if (behind === null) return item;
    if (item.type !== 'char') throw this.#unknown();
    const fits = item.test;
    return this.#assert((text, at) => (at > 0 && fits(text[at - 1]!)) === (behind === 'yes'));
  }

  #char(source: string): Node {
    const one = new RegExp(`^(?:${source})$`, this.#flags);
    const known = new Map<string, boolean>();
    const node = {
      type: 'char' as const,
      test: (char: string) => {
        const before = known.get(char);
        if (before !== undefined) return before;
        const fits = one.test(char);
        known.set(char, fits);
        return fits;
      },
    };
    this.chars.push(node);
    return node;
  }

  #assert(holds: (text: readonly string[], at: number) => boolean): Node {
    return { type: 'assert', holds };
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #unknown(): Error {
    return new Error(`The step counter does not know what stands at ${this.#at} of /${this.#source}/.`);
  }
}

/** Beyond this the growth is known to be bad. */
const stepsMax = 200_000;

/** Looks at characters until the search is decided. */
function stepsOf(node: Node, text: readonly string[], sticky: boolean): number {
  let steps = 0;
  const match = (at: number, each: Node, then: (at: number) => boolean): boolean => {
    if (steps > stepsMax) return true;
    switch (each.type) {
      case 'char':
        steps += 1;
        return at < text.length && each.test(text[at]!) && then(at + 1);
      case 'assert':
        steps += 1;
        return each.holds(text, at) && then(at);
      case 'look':
        return match(at, each.item, () => true) !== each.negative && then(at);
      case 'choice':
        return each.items.some((item) => match(at, item, then));
      case 'sequence':
        return chain(at, each.items, 0, then);
      case 'repeat':
        return repeat(at, each, 0, then);
    }
  };
  const chain = (
    at: number,
    items: readonly Node[],
    index: number,
    then: (at: number) => boolean,
  ): boolean =>
    index === items.length
      ? then(at)
      : match(at, items[index]!, (next) => chain(next, items, index + 1, then));
  const repeat = (
    at: number,
    each: Extract<Node, { type: 'repeat' }>,
    count: number,
    then: (at: number) => boolean,
  ): boolean => {
    const once = () =>
      count < each.max &&
      match(at, each.item, (next) => (next > at || count < each.min) && repeat(next, each, count + 1, then));
    const leave = () => count >= each.min && then(at);
    return each.lazy ? leave() || once() : once() || leave();
  };
  for (let start = 0; start <= (sticky ? 0 : text.length); start++) if (match(start, node, () => true)) break;
  return steps;
}

const candidates = [...'aezAZ09_ \t\n\r"\'`\\/.,:;?!-+(){}[]<>@#$%&*=|~^\0\u0001éñ’\u2028\u202e漢'];

/** One character for each set of leaves that take it. */
function alphabetOf(chars: Parser['chars']): string[] {
  const bySignature = new Map<string, string>();
  for (const char of candidates) {
    const signature = chars.map((leaf) => (leaf.test(char) ? '1' : '0')).join('');
    if (!bySignature.has(signature)) bySignature.set(signature, char);
  }
  return [...bySignature.values()];
}

interface Attack {
  lead: string;
  pump: string;
}

/** Texts that a node takes; the first is short. */
function samplesOf(node: Node, alphabet: readonly string[]): string[] {
  switch (node.type) {
    case 'char': {
      const own = alphabet.filter(node.test);
      // A letter that stands for itself is in no class of the alphabet's.
      return own.length > 0 ? own : letters.filter(node.test).slice(0, 1);
    }
    case 'assert':
    case 'look':
      return [''];
    case 'choice':
      return node.items.flatMap((item) => samplesOf(item, alphabet)).slice(0, 12);
    case 'repeat': {
      const inner = samplesOf(node.item, alphabet);
      return (node.min === 0 ? ['', ...inner] : inner.map((text) => text.repeat(node.min))).slice(0, 12);
    }
    case 'sequence': {
      const each = node.items.map((item) => samplesOf(item, alphabet));
      const first = each.map((samples) => samples[0] ?? '');
      return each
        .flatMap((samples, at) => samples.map((sample) => first.with(at, sample).join('')))
        .slice(0, 24);
    }
  }
}

const letters = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code));

function attacksOn(node: Node, alphabet: readonly string[], lead: string): Attack[] {
  switch (node.type) {
    case 'choice':
      return node.items.flatMap((item) => attacksOn(item, alphabet, lead));
    case 'sequence': {
      let before = lead;
      return node.items.flatMap((item) => {
        const own = attacksOn(item, alphabet, before);
        before += samplesOf(item, alphabet)[0] ?? '';
        return own;
      });
    }
    case 'repeat': {
      const pumps = node.max > 50 ? samplesOf(node.item, alphabet).filter((text) => text !== '') : [];
      return [...pumps.map((pump) => ({ lead, pump })), ...attacksOn(node.item, alphabet, lead)];
    }
    default:
      return [];
  }
}

const ends = ['', '\u0001', '!', '\n', '\nx', 'x', ' '];

/** The worst growth of work, where the text becomes twice as long, over all attacks: about 2 is linear, 4 is quadratic. */
export function growthOf(expression: RegExp): { growth: number; attack: string } {
  const parser = new Parser(expression);
  const node = parser.parse();
  const alphabet = alphabetOf(parser.chars);
  let worst = { growth: 0, attack: '' };
  const sticky = expression.sticky;
  for (const { lead, pump } of attacksOn(node, alphabet, '')) {
    for (const end of ends) {
      for (const begin of new Set(['', lead])) {
        const text = (times: number) => [...(begin + pump.repeat(times) + end)];
        const steps = stepsOf(node, text(240), sticky);
        const growth = steps > stepsMax ? Number.POSITIVE_INFINITY : steps / stepsOf(node, text(120), sticky);
        const attack = `${JSON.stringify(begin)}, ${JSON.stringify(pump)} over and over, ${JSON.stringify(end)}`;
        if (growth > worst.growth) worst = { growth, attack };
        if (growth === Number.POSITIVE_INFINITY) return worst;
      }
    }
  }
  return worst;
}

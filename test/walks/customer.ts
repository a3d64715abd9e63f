/**
 * A customer who walks through the shop at random: mostly the way that the shop wants, and all the others too. What is
 * done follows from the customer's own stream of chance and from what the phone shows. To let customers do more, add it to
 * `ways` with its share, and count it.
 */
import type { HistoryMessage } from '#simulator/index.ts';
import type { Notebook } from './notebook.ts';
import { heardOn, type Offer, offersIn, pageIn, wordsOf } from './phone.ts';

export interface CustomerParts {
  index: number;
  random: () => number;
  book: Notebook;
  /** How long is waited between two acts, and whether customers fall silent for hours and days. */
  pace: { minMs: number; maxMs: number; silences: boolean };
  messages(): readonly HistoryMessage[];
  say(fields: Readonly<Record<string, unknown>>): { wamid: string };
  payment: {
    pay(page: string): boolean;
    decline(page: string): boolean;
    expire(page: string): boolean;
  };
  after(delayMs: number, fn: () => void): void;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const firstNames = ['Carmen', 'José', 'Zoë', 'Ana María', 'Li', 'Oma', 'O’Neill'];
const themes = [
  ...['a lighthouse at night', 'un gato en la luna', 'two dogs by the sea', 'roses', 'un tren rojo'],
  ...['a bicycle, a bread and a bottle', '山の朝'],
];
const wrongs = ['???', '12345', '👍', 'x'.repeat(300), '   .', '<b>&amp;</b>', '-1', '99'];
const questions = [
  'how long does the delivery take?',
  '¿cuánto cuesta el envío?',
  'can I pay with a card?',
  'what is papercut?',
];
const busyWords = /drawing|dibujando|preparing|preparando|One moment|Un momento/;
const nameWords = /name of the person|se llama la persona|40 letters|40 letras/;

/** Shares of a hundred. */
const ways = {
  forward: 62,
  types: 6,
  answersWrongly: 6,
  sendsVoice: 3,
  sendsSticker: 2,
  sendsOther: 2,
  reacts: 1,
  tapsOld: 6,
  cancels: 1.5,
  asksForMenu: 1.5,
  asksForHelp: 2,
  callsPerson: 1,
  switchesLanguage: 2,
  asks: 4,
} as const;
type Way = keyof typeof ways;

export class Customer {
  readonly #parts: CustomerParts;
  readonly #pagesLeft = new Set<string>();
  #wishes = 0;

  constructor(parts: CustomerParts) {
    this.#parts = parts;
  }

  /** Does one thing; returns how long the customer waits before the next. */
  act(): number {
    const heard = heardOn(this.#parts.messages());
    if (heard.length === 0) this.#text(this.#one(['hi', 'hola', 'hello', 'good morning', 'I want a gift']));
    else this[this.#way()](heard);
    return this.#pause();
  }

  #way(): Way {
    let left = this.#parts.random() * Object.values(ways).reduce((sum, share) => sum + share, 0);
    for (const [way, share] of Object.entries(ways)) {
      left -= share;
      if (left < 0) return way as Way;
    }
    return 'forward';
  }

  #pause(): number {
    const { random, pace, book } = this.#parts;
    const drawn = pace.silences ? random() : 1;
    if (drawn < 0.004) {
      book.count('silences of days');
      return dayMs * (1 + random() * 7.5);
    }
    if (drawn < 0.03) {
      book.count('silences of hours');
      return hourMs * (3.2 + random() * 6);
    }
    return pace.minMs + random() ** 2 * (pace.maxMs - pace.minMs);
  }

  // --- the way that the shop wants --------------------------------------------------------------------------------

  forward(heard: HistoryMessage[]): void {
    const last = heard.at(-1) as HistoryMessage;
    if (busyWords.test(wordsOf(last)) && this.#parts.random() < 0.7) return;
    if (this.#pays(heard)) return;
    const offers = heard.slice(-2).flatMap(offersIn);
    if (offers.length > 0) this.#taps(this.#preferred(offers));
    else this.#answers(last);
  }

  /** The first option leads on, mostly. */
  #preferred(offers: readonly Offer[]): Offer {
    const isFirst = offers.length < 4 && this.#parts.random() < 0.6;
    return isFirst ? (offers[0] as Offer) : this.#one(offers);
  }

  #answers(last: HistoryMessage): void {
    if (nameWords.test(wordsOf(last))) {
      this.#wishes += 1;
      this.#text(`${this.#one(firstNames)} c${this.#parts.index}w${this.#wishes}`);
    } else this.#text(this.#one(themes));
  }

  /** What a customer does with the page that is on the phone; also with one from long ago. */
  #pays(heard: HistoryMessage[]): boolean {
    const { random, payment, book } = this.#parts;
    const pages = heard.map(pageIn).filter((page) => page !== null && !this.#pagesLeft.has(page));
    const newest = heard.slice(-3).some((message) => pageIn(message) !== null);
    const page = newest ? pages.at(-1) : random() < 0.1 ? pages[0] : undefined;
    if (page === undefined || page === null) return false;
    const drawn = random();
    if (drawn < 0.6) {
      this.#pagesLeft.add(page);
      if (payment.pay(page)) book.count('pages paid');
    } else if (drawn < 0.7) {
      if (payment.decline(page)) book.count('payments declined');
    } else if (drawn < 0.78) {
      this.#pagesLeft.add(page);
      payment.expire(page);
    } else return false;
    return true;
  }

  #taps(offer: Offer): void {
    const { random, book, after, pace } = this.#parts;
    const drawn = random();
    const times = drawn < 0.06 ? 3 : drawn < 0.2 ? 2 : 1;
    book.count('taps');
    if (times === 2) book.count('double taps');
    if (times === 3) book.count('triple taps');
    this.#tap(offer);
    for (let nth = 1; nth < times; nth++) {
      // At once, or when the answer to the first was long in coming, or has come.
      const delayMs = random() < 0.4 ? 0 : random() ** 3 * 2 * pace.maxMs;
      if (delayMs === 0) this.#tap(offer);
      else after(delayMs, () => this.#tap(offer));
    }
  }

  #tap({ say, id, wamid }: Offer): void {
    const { book, index } = this.#parts;
    const said = this.#say({ type: say, id, replyTo: wamid });
    book.causes.set(said.wamid, `${index} ${id}`);
  }

  // --- all the others -----------------------------------------------------------------------------------------------

  /** The answer in words: the title, its number, or its beginning. */
  types(heard: HistoryMessage[]): void {
    const offers = heard.slice(-2).flatMap(offersIn);
    if (offers.length === 0) {
      this.#answers(heard.at(-1) as HistoryMessage);
      return;
    }
    const at = Math.floor(this.#parts.random() * offers.length);
    const { title } = offers[at] as Offer;
    this.#parts.book.count('typed answers');
    this.#text(this.#one([String(at + 1), title, title.toUpperCase(), title.slice(0, 5)]));
  }

  answersWrongly(): void {
    this.#parts.book.count('wrong answers');
    this.#text(this.#one(wrongs));
  }

  sendsVoice(): void {
    this.#parts.book.count('voice notes');
    this.#say({ type: 'audio', voice: true });
  }

  sendsSticker(): void {
    this.#parts.book.count('stickers');
    this.#say({ type: 'sticker' });
  }

  sendsOther(): void {
    this.#parts.book.count('other media');
    this.#say({ type: this.#one(['image', 'video', 'document', 'location']) });
  }

  reacts(heard: HistoryMessage[]): void {
    this.#parts.book.count('reactions');
    this.#say({ type: 'reaction', emoji: '❤️', messageId: heard.at(-1)?.wamid });
  }

  tapsOld(heard: HistoryMessage[]): void {
    const offers = heard.slice(0, -2).flatMap(offersIn);
    if (offers.length === 0) {
      this.forward(heard);
      return;
    }
    this.#parts.book.count('taps on old buttons');
    // Those that cost money, above all.
    const paid = offers.filter(({ id }) => /\.(draw|again)\./.test(id));
    this.#tap(this.#one(paid.length > 0 && this.#parts.random() < 0.6 ? paid : offers));
  }

  cancels(): void {
    this.#parts.book.count('cancels');
    this.#text(this.#one(['cancel', 'Cancelar']));
  }

  asksForMenu(): void {
    this.#parts.book.count('menus');
    this.#text(this.#one(['menu', 'menú']));
  }

  asksForHelp(): void {
    this.#parts.book.count('helps');
    this.#text(this.#one(['help', 'ayuda']));
  }

  callsPerson(): void {
    this.#parts.book.count('calls for a person');
    this.#text(this.#one(['human', 'persona']));
  }

  switchesLanguage(): void {
    this.#parts.book.count('language switches');
    this.#text(this.#one(['español', 'english']));
  }

  asks(): void {
    this.#parts.book.count('free questions');
    this.#text(this.#one(questions));
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  #text(text: string): void {
    const said = this.#say({ type: 'text', text });
    this.#parts.book.causes.set(said.wamid, `${this.#parts.index} typed ${said.wamid}`);
  }

  #say(fields: Readonly<Record<string, unknown>>): { wamid: string } {
    this.#parts.book.count('messages');
    return this.#parts.say(fields);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#parts.random() * choices.length)] as T;
  }
}

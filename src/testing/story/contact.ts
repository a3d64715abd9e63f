/**
 * A customer of a story: what she says, taps and sends, and what she sees. She sees what has reached her phone, in the
 * order of the chat, each message once: `sees` looks behind what she has seen before, so that an old answer is never taken
 * for a new one. To let customers do more, add a method here.
 */
import type { Chat, Contact, HistoryMessage } from '#simulator/index.ts';
import { NotSeen, whyNot } from './explain.ts';
import { type StoryMessage, storyMessage } from './message.ts';
import {
  describeSight,
  fits,
  type Offer,
  offersOf,
  type ShownMessage,
  type Sight,
  sightOf,
  type Words,
} from './sights.ts';
import type { Stage } from './stage.ts';
import { templateOffers } from './template-buttons.ts';

/** A business number of the simulator. */
export interface StoryNumber {
  id: string;
  name: string;
}

export interface StoryContactParts {
  stage: Stage;
  name: string;
  /** Makes the contact at the first use, once for all numbers. */
  meet: () => Promise<Contact>;
  /** Which number she writes to; asked at the first use. */
  number: () => Promise<StoryNumber>;
  /** The same customer before another number. */
  at: (number: string) => StoryContact;
}

export interface Patience {
  /** The stage's patience if absent. */
  withinMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Messages read for one look; a story that needs more has lost its reader. */
const messagesLooked = 1_000;

export class StoryContact {
  readonly name: string;
  readonly #parts: StoryContactParts;
  readonly #seen = new Set<string>();

  constructor(parts: StoryContactParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  /** The same customer, writing to another business number, named by its name, id or display number. */
  at(number: string): StoryContact {
    return this.#parts.at(number);
  }

  // --- what she does ---------------------------------------------------------------------------------------------

  says(text: string, more: Fields = {}): Promise<StoryMessage> {
    return this.does('text', { text, ...more });
  }

  /** Answers to one message, which her phone shows above hers. */
  quotes(message: Pick<StoryMessage, 'wamid'>, text: string): Promise<StoryMessage> {
    return this.does('text', { text, replyTo: message.wamid });
  }

  /** Taps the newest button or list row with this title that she can see. */
  taps(title: Words): Promise<StoryMessage> {
    return this.#take(title, ['button', 'quickReply', 'row']);
  }

  /** Chooses the newest list row with this title that she can see. */
  chooses(title: Words): Promise<StoryMessage> {
    return this.#take(title, ['row']);
  }

  /** Reacts to a message, to the newest that she sees if none is named; an empty emoji takes it back. */
  async reacts(emoji: string, message?: Pick<StoryMessage, 'wamid'>): Promise<StoryMessage> {
    const to = message ?? (await this.#visible()).at(-1);
    if (to === undefined) throw new Error(`${this.name} sees no message that she could react to.`);
    return this.does('reaction', { emoji, messageId: to.wamid });
  }

  sendsVoice(more: Fields = {}): Promise<StoryMessage> {
    return this.does('audio', { voice: true, ...more });
  }

  sendsImage(more: Fields = {}): Promise<StoryMessage> {
    return this.does('image', more);
  }

  sendsVideo(more: Fields = {}): Promise<StoryMessage> {
    return this.does('video', more);
  }

  sendsDocument(more: Fields = {}): Promise<StoryMessage> {
    return this.does('document', more);
  }

  sendsSticker(more: Fields = {}): Promise<StoryMessage> {
    return this.does('sticker', more);
  }

  sendsLocation(more: Fields = {}): Promise<StoryMessage> {
    return this.does('location', more);
  }

  /** Writes after a tap on an ad, which opens a free entry point. */
  comesFromAd(text: string, more: Fields = {}): Promise<StoryMessage> {
    return this.does('text', { text, referral: true, ...more });
  }

  /** Any type that the control API lets a contact say. */
  async does(type: string, fields: Fields = {}): Promise<StoryMessage> {
    const { control } = this.#parts.stage;
    const of = await this.#place();
    const said = await control.say({ ...fields, ...of, type });
    const messages = await control.messages({ ...of, limit: messagesLooked });
    const message = messages.findLast(({ wamid }) => wamid === said.wamid);
    if (message === undefined) throw new Error(`The simulator forgot what ${this.name} has just said.`);
    return this.#story(message);
  }

  /** Her number or BSUID changes, and Meta tells the business. */
  async changesAddress(to: { phone?: string; userId?: string }): Promise<void> {
    await this.#parts.stage.control.changeAddress({ ...(await this.#place()), ...to });
  }

  // --- what she sees ---------------------------------------------------------------------------------------------

  /** Waits for a message that she has not seen before. @throws NotSeen, which says what she saw and what waits. */
  async sees(expected: Words | Sight, patience: Patience = {}): Promise<StoryMessage> {
    const { stage } = this.#parts;
    const sight = sightOf(expected);
    const withinMs = patience.withinMs ?? stage.patienceMs;
    const found = await stage.watch(async () => {
      const visible = await this.#visible();
      const at = visible.findIndex((message) => !this.#seen.has(message.wamid) && fits(message, sight));
      return at < 0 ? null : visible.slice(0, at + 1);
    }, withinMs);
    if (found === null) throw await this.#notSeen(`did not see ${describeSight(sight)}`, withinMs);
    for (const { wamid } of found) this.#seen.add(wamid);
    return this.#story(found.at(-1)!);
  }

  /** Waits the whole time, in which nothing may come that she has not seen before. @throws NotSeen if it does. */
  async seesNothingFor(ms: number): Promise<void> {
    const isNew = (message: HistoryMessage): boolean => !this.#seen.has(message.wamid);
    const look = async () => (await this.#visible()).find(isNew) ?? null;
    const found = await this.#parts.stage.watch(look, ms);
    if (found !== null) throw await this.#notSeen('was to see nothing new, but something came', ms);
  }

  /** Waits until the business is shown as typing. */
  async seesTyping(patience: Patience = {}): Promise<void> {
    const { stage } = this.#parts;
    const withinMs = patience.withinMs ?? stage.patienceMs;
    const look = async () => ((await this.#chat()).typingUntilMs > stage.clock.nowMs() ? true : null);
    if ((await stage.watch(look, withinMs)) === null)
      throw await this.#notSeen('did not see the business typing', withinMs);
  }

  /** All that her phone shows of the business' messages now, seen before or not, oldest first. */
  async allSeen(): Promise<StoryMessage[]> {
    return (await this.#visible()).map((message) => this.#story(message));
  }

  /** What her simulator knows of her: ids, addresses, how far receipts go. */
  contact(): Promise<Contact> {
    return this.#parts.meet();
  }

  /** From now on as given: another name, a phone that is switched off (`receipts: 'sent'`), ... */
  async becomes(spec: Parameters<Stage['control']['changeContact']>[1]): Promise<void> {
    await this.#parts.stage.control.changeContact((await this.#parts.meet()).id, spec);
  }

  // --- inside ----------------------------------------------------------------------------------------------------

  async #place(): Promise<{ phoneNumberId: string; contact: string }> {
    const number = await this.#parts.number();
    return { phoneNumberId: number.id, contact: (await this.#parts.meet()).id };
  }

  async #chat(): Promise<Chat> {
    return this.#parts.stage.control.chat({ ...(await this.#place()), limit: messagesLooked });
  }

  async #visible(): Promise<ShownMessage[]> {
    const { contact, messages } = await this.#chat();
    const visible = messages.filter((message) => isVisible(message, contact));
    const number = await this.#parts.number();
    const quickReplies = await templateOffers(this.#parts.stage.control, number.id, visible);
    return visible.map((message) => ({ ...message, quickReplies: quickReplies.get(message.wamid) ?? [] }));
  }

  async #take(title: Words, kinds: readonly Offer['kind'][]): Promise<StoryMessage> {
    const visible = await this.#visible();
    const offered = visible.flatMap((message) => offersOf(message).map((offer) => ({ offer, message })));
    const found = offered.findLast(
      ({ offer }) => kinds.includes(offer.kind) && fitsTitle(offer.title, title),
    );
    if (found === undefined) throw new NotSeen(nothingToTap(this.name, title, kinds, offered));
    const { offer, message } = found;
    this.#seen.add(message.wamid);
    const replyTo = message.wamid;
    if (offer.kind === 'quickReply')
      return this.does('templateButton', { text: offer.title, payload: offer.id, replyTo });
    return this.does(offer.kind === 'button' ? 'buttonReply' : 'listReply', { id: offer.id, replyTo });
  }

  #story(message: ShownMessage): StoryMessage {
    return storyMessage(message, async (wamid, what, condition) => {
      const { stage } = this.#parts;
      const look = async () => {
        const now = (await this.#chat()).messages.findLast((each) => each.wamid === wamid);
        return now !== undefined && condition(now) ? true : null;
      };
      if ((await stage.watch(look, stage.patienceMs)) !== null) return;
      const words = message.text === null ? `her ${message.type}` : `“${message.text}”`;
      throw await this.#notSeen(`waited in vain: it is not so that ${words} ${what}`, stage.patienceMs);
    });
  }

  async #notSeen(what: string, withinMs: number): Promise<NotSeen> {
    const { stage, name } = this.#parts;
    const chat = await this.#chat();
    const number = await this.#parts.number();
    return new NotSeen(
      await whyNot({ stage, name, number, chat, what, withinMs, seen: this.#seen, isVisible }),
    );
  }
}

const fitsTitle = (title: string, wanted: Words): boolean =>
  typeof wanted === 'string' ? title === wanted : title.search(wanted) >= 0;

/** What has reached her phone. A reaction has no delivery; of a contact without receipts nobody knows, so it counts. */
export function isVisible(message: HistoryMessage, contact: Contact): boolean {
  if (message.direction === 'in' || message.status === 'failed') return false;
  if (['delivered', 'read', 'played'].includes(message.status)) return true;
  if (contact.receipts === 'none') return true;
  return message.type === 'reaction' && message.status === 'sent';
}

function nothingToTap(
  name: string,
  title: Words,
  kinds: readonly Offer['kind'][],
  offered: readonly { offer: Offer; message: HistoryMessage }[],
): string {
  const wanted = typeof title === 'string' ? `"${title}"` : String(title);
  const what = kinds.includes('button') ? 'button or list row' : 'list row';
  if (offered.length === 0)
    return `${name} sees no ${what} ${wanted}: no message that has reached her has any. Wait for it first: await ${name.toLowerCase()}.sees(...).`;
  const titles = offered.map(({ offer }) => `"${offer.title}" (${offer.kind})`);
  return `${name} sees no ${what} ${wanted}. What she can tap, oldest first: ${[...new Set(titles)].join(', ')}.`;
}

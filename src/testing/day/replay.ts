/**
 * Playing a recorded day again, before any bot and at any speed. Acts come at their times, and no act before the answers
 * that its customer had got when it was done: who writes "yes" had read the question. Ids of messages and contacts are
 * those of the new day; what an act refers to is found by its place in the conversation.
 */
import type { Contact } from '#simulator/index.ts';
import { offersOf } from '../story/sights.ts';
import type { Stage } from '../story/stage.ts';
import type { Story } from '../story/story.ts';
import { compareDays, type Difference, explainDifferences } from './compare.ts';
import type { Day, DayAct, DayLine, DaySend } from './day.ts';
import { type Recorder, recordDay } from './record.ts';

export interface ReplayOptions {
  /** 60 makes a minute of an hour; the recorded times if absent. */
  speed?: number;
  /** How long an answer that an act needs, and the last answers, may take; the stage's patience if absent. */
  patienceMs?: number;
  /** How long after the last answer nothing more may come. */
  quietMs?: number;
}

export interface Replay {
  /** The day as it was this time. */
  day: Day;
  differences: Difference[];
  /** @throws Error that explains, where an answer differs. */
  assertSame(): void;
}

const defaultQuietMs = 2_000;

export async function replayDay(story: Story, day: Day, options: ReplayOptions = {}): Promise<Replay> {
  const { stage } = story;
  const { speed = 1, patienceMs = stage.patienceMs, quietMs = defaultQuietMs } = options;
  if (!(speed > 0))
    throw new Error(`A day cannot be played at the speed ${speed}. Name a number over 0, e.g. 60.`);
  await demandNumbers(story, day);
  const recorder = await recordDay(story);
  try {
    const playing = new Playing({ story, day, recorder, patienceMs });
    await playing.invite();
    const startMs = stage.clock.nowMs();
    let awaited = 0;
    for (const line of day.lines) {
      if (line.kind === 'send') awaited += 1;
      if (line.kind !== 'act') continue;
      await pass(stage, startMs + line.atMs / speed - stage.clock.nowMs());
      await playing.act(line);
    }
    if (awaited > 0) await playing.awaitAll();
    await pass(stage, quietMs);
    const played = recorder.stop();
    const differences = compareDays(day, played, playing.oldIds());
    return {
      day: played,
      differences,
      assertSame() {
        if (differences.length > 0) throw new Error(explainDifferences(differences));
      },
    };
  } finally {
    recorder.stop();
  }
}

async function pass({ clock, watch }: Stage, ms: number): Promise<void> {
  if (ms <= 0) return;
  if (clock.isVirtual) await clock.advance(Math.ceil(ms));
  else await watch(async () => null, Math.ceil(ms));
}

async function demandNumbers(story: Story, { header }: Day): Promise<void> {
  const known = new Set((await story.numbers()).map(({ id }) => id));
  const missing = header.numbers.filter(({ id }) => !known.has(id));
  if (missing.length === 0) return;
  const names = missing.map(({ id, name }) => `"${name}" (${id})`).join(', ');
  throw new Error(
    `The day was recorded with numbers that this simulator does not have: ${names}. Add them by control.setup(), and to the bot's tenants.`,
  );
}

interface PlayingParts {
  story: Story;
  day: Day;
  recorder: Recorder;
  patienceMs: number;
}

type Conversation = { phoneNumberId: string; contactId: string };
const keyOf = ({ phoneNumberId, contactId }: Conversation): string => `${phoneNumberId}|${contactId}`;

/** The sends of a day that may still grow, by conversation and by wamid. */
class SendsByConversation {
  readonly #byKey = new Map<string, { of: Conversation; sends: DaySend[] }>();
  readonly #byWamid = new Map<string, DaySend>();
  #linesRead = 0;

  read(lines: readonly DayLine[]): void {
    for (; this.#linesRead < lines.length; this.#linesRead += 1) {
      const line = lines[this.#linesRead]!;
      if (line.kind !== 'send' || line.contactId === null) continue;
      const of = { phoneNumberId: line.phoneNumberId, contactId: line.contactId };
      const known = this.#byKey.get(keyOf(of)) ?? { of, sends: [] };
      known.sends.push(line);
      this.#byKey.set(keyOf(of), known);
      this.#byWamid.set(line.wamid, line);
    }
  }

  of(conversation: Conversation): readonly DaySend[] {
    return this.#byKey.get(keyOf(conversation))?.sends ?? [];
  }

  byWamid(wamid: string): DaySend | undefined {
    return this.#byWamid.get(wamid);
  }

  conversations(): Conversation[] {
    return [...this.#byKey.values()].map(({ of }) => of);
  }
}

class Playing {
  readonly #parts: PlayingParts;
  /** From the ids of the recorded day to those of this one. */
  readonly #contacts = new Map<string, string>();
  readonly #wamids = new Map<string, string>();
  /** What each conversation was sent on the recorded day, by its ids, and on this one, by its own. */
  readonly #before: SendsByConversation;
  readonly #now = new SendsByConversation();

  constructor(parts: PlayingParts) {
    this.#parts = parts;
    this.#before = new SendsByConversation();
    this.#before.read(parts.day.lines);
  }

  oldIds(): Map<string, string> {
    return new Map([...this.#contacts].map(([old, now]) => [now, old]));
  }

  /** Those who were there at the beginning. */
  async invite(): Promise<void> {
    for (const contact of this.#parts.day.header.contacts) await this.#meet(contact);
  }

  async act(act: DayAct): Promise<void> {
    const { control } = this.#parts.story;
    if (act.method === 'POST' && act.path === '/contacts' && act.contact !== null) {
      await this.#meet(act.contact);
      return;
    }
    for (const said of act.said) await this.#awaitAnswersBefore(said, act.atMs);
    const body = this.#renewed(act.body, act.atMs);
    const path = act.path.replace(/^(\/contacts\/)(.+)$/, (_, head: string, id: string) => {
      return `${head}${encodeURIComponent(this.#contacts.get(decodeURIComponent(id)) ?? decodeURIComponent(id))}`;
    });
    const { said = [] } = (await control.drive(act.method, path, body)) as { said?: Said | Said[] };
    for (const [index, now] of (Array.isArray(said) ? said : [said]).entries()) {
      const before = act.said[index];
      if (before === undefined) continue;
      this.#wamids.set(before.wamid, now.wamid);
      this.#contacts.set(before.contactId, now.contactId);
    }
  }

  /** Until every conversation has got as many messages as it had, or patience ends. */
  async awaitAll(): Promise<void> {
    const { stage } = this.#parts.story;
    const isThere = async () => {
      const all = this.#before.conversations();
      return all.every((of) => this.#sendsNow(of).length >= this.#before.of(of).length) ? true : null;
    };
    await stage.watch(isThere, this.#parts.patienceMs);
  }

  async #meet(contact: Contact): Promise<void> {
    const { control } = this.#parts.story;
    const { id, ...spec } = contact;
    const known = (await control.contacts()).find(
      ({ phone, userId }) =>
        (phone !== null && phone === spec.phone) || (userId !== null && userId === spec.userId),
    );
    this.#contacts.set(id, (known ?? (await control.createContact(spec))).id);
  }

  /** Messages of this day to a conversation of the recorded one. */
  #sendsNow({ phoneNumberId, contactId }: Conversation): readonly DaySend[] {
    this.#now.read(this.#parts.recorder.lines);
    return this.#now.of({ phoneNumberId, contactId: this.#contacts.get(contactId) ?? contactId });
  }

  async #awaitAnswersBefore(of: Conversation, atMs: number): Promise<void> {
    const before = this.#before.of(of).filter((send) => send.atMs < atMs);
    if (before.length === 0) return;
    const { stage } = this.#parts.story;
    const look = async () => {
      const now = this.#sendsNow(of);
      return now.length >= before.length ? now : null;
    };
    const now = (await stage.watch(look, this.#parts.patienceMs)) ?? this.#sendsNow(of);
    for (const [index, send] of before.entries()) {
      const again = now[index];
      if (again !== undefined) this.#wamids.set(send.wamid, again.wamid);
    }
  }

  /** The body of an act with the ids and times of this day. */
  #renewed(body: unknown, atMs: number): unknown {
    if (Array.isArray(body)) return body.map((each) => this.#renewed(each, atMs));
    if (typeof body !== 'object' || body === null) return body;
    const { wamid: _old, ...fields } = body as Record<string, unknown>;
    const renewed: Record<string, unknown> = { ...fields, ...this.#tapped(fields) };
    if (typeof fields.contact === 'string')
      renewed.contact = this.#contacts.get(fields.contact) ?? fields.contact;
    for (const name of ['replyTo', 'messageId', 'originalMessageId'])
      if (typeof fields[name] === 'string') renewed[name] = this.#wamids.get(fields[name]) ?? fields[name];
    if (typeof fields.timestampMs === 'number') {
      const { day, story } = this.#parts;
      const agoMs = day.header.startMs + atMs - fields.timestampMs;
      renewed.timestampMs = story.clock.nowMs() - agoMs;
    }
    return renewed;
  }

  /** Ids of buttons may be made anew each day, so what was tapped is found by its title. */
  #tapped({ id, replyTo }: Record<string, unknown>): { id?: string } {
    if (typeof id !== 'string' || typeof replyTo !== 'string') return {};
    const before = this.#before.byWamid(replyTo);
    const title = before && offersOf(before).find((offer) => offer.id === id)?.title;
    if (title === undefined) return {};
    const now = this.#now.byWamid(this.#wamids.get(replyTo) ?? '');
    const offer = now && offersOf(now).find((each) => each.title === title);
    return offer === undefined ? {} : { id: offer.id };
  }
}

interface Said {
  wamid: string;
  contactId: string;
}

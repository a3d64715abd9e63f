/**
 * A dialog driven by hand: no server, no store, no clock. What the customer does becomes an event, the turn is run as the
 * server would run it (twice, to see that it is pure), and what it wants done is kept: messages to be seen, activities that
 * wait for their result, timers that wait for the clock to be moved. To add something that can happen, add a method here
 * and its row in docs/your-first-dialog.md.
 */
import type { Dialog } from '#core/dialog/dialog.ts';
import { runTurn, type TurnInput, type TurnOutput } from '#core/dialog/run-turn.ts';
import type { Effect } from '#core/model/effects.ts';
import type { EventContent, EventKind, MediaRef, MessageKind } from '#core/model/events.ts';
import type { IfWindowClosed } from '#core/model/sends.ts';
import { wordsOfSend } from '#core/model/words-of-send.ts';
import type { NumberSettings } from '#core/ports/tenants.ts';
import { describeSeen, fitsSeen, type SeenMessage, type SeenSight, seenOf, tapFor } from './seen.ts';

export interface DriveOptions {
  settings?: NumberSettings;
  /** Noon of a day, if absent. */
  startAtMs?: number;
  /** A model can hear recordings. */
  transcribes?: boolean;
}

/** What the customer did not see, or a dialog that was told of something that it does not wait for. */
export class DroveAstray extends Error {
  override readonly name = 'DroveAstray';
}

interface Running {
  activityId: string;
  name: string;
  input: unknown;
}

const startAt = Date.UTC(2026, 0, 5, 12);
const fakeMedia: MediaRef = { mediaId: 'media.1', mimeType: 'image/jpeg' };

export function driveDialog(dialog: Dialog, options: DriveOptions = {}): DrivenDialog {
  return new DrivenDialog(dialog, options);
}

export class DrivenDialog {
  readonly #dialog: Dialog;
  readonly #options: DriveOptions;
  #nowMs: number;
  #stored: string | null = null;
  #position = 0;
  #turns = 0;
  #lastFallbackAtMs: number | null = null;
  #label = 'notBegun';
  #refusals: { name: string | null; limit: string }[] = [];
  #running: Running[] = [];
  readonly #timers = new Map<string, { token: string; dueAtMs: number }>();
  readonly #messages: (SeenMessage & { ifWindowClosed: IfWindowClosed | undefined })[] = [];
  /** Messages before this one have been looked at by `sees`. */
  #seenTo = 0;
  #lastActFrom = 0;
  readonly #flags: Extract<Effect, { type: 'flag' }>[] = [];
  readonly #rules: string[] = [];
  #isHandedOff = false;

  constructor(dialog: Dialog, options: DriveOptions) {
    this.#dialog = dialog;
    this.#options = options;
    this.#nowMs = options.startAtMs ?? startAt;
  }

  // --- what happens -----------------------------------------------------------------------------------------------

  /** The customer writes. */
  say(text: string): this {
    return this.#message('text', { text });
  }

  /** Taps the newest button or row with this title, or quick reply; tapping it again is a second tap. */
  tap(title: string): this {
    const tap = tapFor(this.#messages, title);
    if (tap === null) throw this.#astray(`There is nothing titled “${title}” to tap.`);
    return this.#message(tap.kind, { choice: { id: tap.id, title } });
  }

  /** Taps a button of an older message: the first one that was said is 0. */
  tapOf(message: number, title: string): this {
    const tap = tapFor(this.#messages.slice(message, message + 1), title);
    if (tap === null) throw this.#astray(`Message ${message} has nothing titled “${title}” to tap.`);
    return this.#message(tap.kind, { choice: { id: tap.id, title } });
  }

  voice(): this {
    return this.#message('voice', { media: { ...fakeMedia, mimeType: 'audio/ogg' } });
  }

  image(media: Partial<MediaRef> = {}): this {
    return this.#message('image', { media: { ...fakeMedia, ...media } });
  }

  location(
    place: { latitude: number; longitude: number; name?: string } = { latitude: 40.4, longitude: -3.7 },
  ): this {
    return this.#message('location', { location: place });
  }

  /** Any other kind of message. */
  sends(kind: MessageKind, content: EventContent = {}): this {
    return this.#message(kind, content);
  }

  /** Time passes; timers that come due are told in their order. */
  advance(ms: number): this {
    const untilMs = this.#nowMs + ms;
    this.#lastActFrom = this.#messages.length;
    for (;;) {
      const due = [...this.#timers].filter(([, { dueAtMs }]) => dueAtMs <= untilMs);
      const [next] = due.sort(([, a], [, b]) => a.dueAtMs - b.dueAtMs);
      if (next === undefined) break;
      const [timerId, { token, dueAtMs }] = next;
      this.#timers.delete(timerId);
      this.#nowMs = dueAtMs;
      this.#turn('timer', { timerId, timerToken: token });
    }
    this.#nowMs = untilMs;
    return this;
  }

  /** The oldest running activity of this name ends with a result. */
  activityDone(name: string, result: unknown): this {
    const { activityId } = this.#take(name);
    return this.#act('activityDone', { activityId, result: throughJson(result) });
  }

  /** It fails: `deadline`, `uncertain`, or a code of its own. */
  activityFails(name: string, code = 'failed', message = 'it failed'): this {
    const { activityId } = this.#take(name);
    return this.#act('activityFailed', { activityId, fault: { code, message } });
  }

  /** The next start of an activity is refused by this limit. */
  refuses(limit: string, activity: string | null = null): this {
    this.#refusals.push({ name: activity, limit });
    return this;
  }

  /** A system of the business tells something, e.g. `business('payment.succeeded', { orderId: 'A1' })`. */
  business(name: string, data: unknown = null): this {
    return this.#act('business', { business: { name, data: throughJson(data) } });
  }

  /** An operator takes the conversation over, answers, and hands it back. What was under way ends. */
  handedBack(): this {
    this.#running = [];
    this.#timers.clear();
    this.#isHandedOff = false;
    return this.#act('handedBack', { transcript: [] });
  }

  // --- what is to be seen -----------------------------------------------------------------------------------------

  /** The customer sees it among what she has not yet seen. A text is compared whole, a pattern anywhere in it. */
  sees(expected: string | RegExp | SeenSight): this {
    const sight: SeenSight =
      typeof expected === 'string' || expected instanceof RegExp ? { text: expected } : expected;
    const index = this.#messages.findIndex((message, at) => at >= this.#seenTo && fitsSeen(message, sight));
    if (index < 0) throw this.#astray(`The customer did not see ${describeSeen(sight)}.`);
    this.#seenTo = index + 1;
    return this;
  }

  /** Nothing is there that was not seen before. */
  seesNothing(): this {
    if (this.#seenTo < this.#messages.length) throw this.#astray('The customer saw more than nothing.');
    return this;
  }

  /** What the last act made the dialog say, one entry for each message, with its choices in brackets. */
  get said(): readonly string[] {
    return this.#messages.slice(this.#lastActFrom).map(({ words }) => words);
  }

  /**
   * What of it would leave with the 24 h service window closed: the words of templates, and null where there is none, so
   * that a person is asked.
   */
  get saidOutsideWindow(): readonly (string | null)[] {
    return this.#messages.slice(this.#lastActFrom).flatMap(({ body, words, ifWindowClosed }) => {
      if (body.type === 'template') return [words];
      if (ifWindowClosed === 'nothing') return [];
      return [ifWindowClosed === undefined ? null : wordsOfSend(ifWindowClosed)];
    });
  }

  /** The name of the state. */
  get state(): string {
    return this.#label.replace(`${this.#dialog.name}/`, '');
  }

  /** What the dialog remembers. */
  get context(): Record<string, unknown> {
    const state = JSON.parse(this.#stored ?? '{}') as { snapshot?: { context?: Record<string, unknown> } };
    return state.snapshot?.context ?? {};
  }

  /** Activities under way, oldest first. */
  get running(): readonly { name: string; input: unknown }[] {
    return this.#running.map(({ name, input }) => ({ name, input }));
  }

  /** Why a person was asked for. */
  get flags(): readonly string[] {
    return this.#flags.map(({ reason }) => reason);
  }

  /** Rules by which messages got no answer. */
  get unanswered(): readonly string[] {
    return this.#rules;
  }

  get isHandedOff(): boolean {
    return this.#isHandedOff;
  }

  // --- how it runs ------------------------------------------------------------------------------------------------

  #take(name: string): Running {
    const index = this.#running.findIndex((each) => each.name === name);
    const [running] = index < 0 ? [] : this.#running.splice(index, 1);
    if (running !== undefined) return running;
    const names = this.#running.map((each) => each.name).join(', ') || 'none';
    throw this.#astray(`The activity ${name} is not under way (${names} is).`);
  }

  #message(kind: MessageKind, content: EventContent): this {
    return this.#act(kind, content);
  }

  #act(kind: EventKind, content: EventContent): this {
    this.#lastActFrom = this.#messages.length;
    // What she did not look at before she acts again was before her eyes all the same.
    this.#seenTo = this.#messages.length;
    this.#turn(kind, content);
    return this;
  }

  #turn(kind: EventKind, content: EventContent): void {
    this.#position += 1;
    this.#turns += 1;
    const { settings = {}, transcribes = false } = this.#options;
    const at = { sentAtMs: this.#nowMs, receivedAtMs: this.#nowMs };
    const wamid =
      content.activityId === undefined && content.timerId === undefined ? `wamid.${this.#position}` : null;
    const event = { position: this.#position, kind, wamid, content, ...at };
    const refused: { name: string; limit: string }[] = [];
    for (;;) {
      const input: Omit<TurnInput, 'newId'> = {
        ...{
          dialog: this.#dialog,
          stored: this.#stored,
          events: [event],
          more: false,
          settings,
          transcribes,
        },
        ...{ nowMs: this.#nowMs, seed: this.#turns, lastFallbackAtMs: this.#lastFallbackAtMs, refused },
      };
      const output = this.#runTwice(input);
      const refusal = this.#refusalOf(output);
      if (refusal !== null) {
        refused.push(refusal);
        continue;
      }
      this.#commit(output);
      return;
    }
  }

  #runTwice(input: Omit<TurnInput, 'newId'>): TurnOutput {
    const run = () => {
      let ids = 0;
      return runTurn({ ...input, newId: (prefix) => `${prefix}_${this.#turns}_${++ids}` });
    };
    const output = run();
    if (JSON.stringify(run()) !== JSON.stringify(output))
      throw this.#astray(
        'The same turn, run twice, did two things. A dialog may use no clock, no chance and no variable outside of it: take them from the event.',
      );
    const [dead] = output.deadLetters;
    if (dead !== undefined) throw this.#astray(`The dialog threw: ${dead.fault}`);
    return output;
  }

  /** The limit that refuses one of the starts, as the commit of a turn would. */
  #refusalOf({ effects }: TurnOutput): { name: string; limit: string } | null {
    for (const effect of effects) {
      if (effect.type !== 'startActivity') continue;
      const index = this.#refusals.findIndex(({ name }) => name === null || name === effect.name);
      const [refusal] = index < 0 ? [] : this.#refusals.splice(index, 1);
      if (refusal !== undefined) return { name: effect.name, limit: refusal.limit };
    }
    return null;
  }

  #commit({ state, stateLabel, effects, fallbackSent }: TurnOutput): void {
    this.#stored = state;
    this.#label = stateLabel;
    if (fallbackSent) this.#lastFallbackAtMs = this.#nowMs;
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#messages.push({ ...seenOf(effect.body), ifWindowClosed: effect.ifWindowClosed });
        break;
      case 'startActivity':
        this.#running.push({
          activityId: effect.activityId,
          name: effect.name,
          input: throughJson(effect.input),
        });
        break;
      case 'cancelActivity':
        this.#running = this.#running.filter(({ activityId }) => activityId !== effect.activityId);
        break;
      case 'setTimer':
        this.#timers.set(effect.timerId, { token: effect.token, dueAtMs: this.#nowMs + effect.delayMs });
        break;
      case 'cancelTimer':
        this.#timers.delete(effect.timerId);
        break;
      case 'flag':
        this.#flags.push(effect);
        break;
      case 'noAnswer':
        this.#rules.push(effect.rule);
        break;
      case 'handOff':
        this.#isHandedOff = true;
        break;
      case 'markRead':
      case 'end':
        break;
    }
  }

  #astray(what: string): DroveAstray {
    const lines = this.#messages.slice(-6).map(({ words }) => `  “${words}”`);
    const heard = lines.length === 0 ? ['The dialog has said nothing.'] : ['The dialog last said:', ...lines];
    return new DroveAstray([what, ...heard, `It is in the state ${this.state}.`].join('\n'));
  }
}

/** As the store would give it back. */
function throughJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

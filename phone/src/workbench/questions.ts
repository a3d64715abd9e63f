/**
 * Counting questions and answers at the one place that cannot be wrong about them: what customers said and what Meta
 * accepted for them. A question is open until its conversation got an answer; one answer closes all that stand open there,
 * since a burst is answered at once. Nothing here asks the server, so a figure holds whatever the server believes.
 */
export interface LogEvent {
  seq: number;
  atMs: number;
  kind: string;
  wamid?: string | null;
  phoneNumberId?: string;
  contactId?: string | null;
  type?: string;
}

export interface Question {
  wamid: string;
  askedAtMs: number;
  answeredAtMs: number | null;
}

/** One second on the chart of answer times. */
export interface AnswerSecond {
  second: number;
  tookMs: number[];
}

const secondsKeptMax = 120;
/** Longer is a jump of the clock, not a wait. */
const tookMsMax = 600_000;
/** A reaction asks for nothing. */
const isQuestion = ({ type }: LogEvent) => type !== 'reaction' && type !== 'system';

export class Questions {
  readonly #openByPlace = new Map<string, Question[]>();
  #seconds: AnswerSecond[] = [];
  asked = 0;
  answered = 0;

  get waiting(): number {
    return this.asked - this.answered;
  }

  get seconds(): readonly AnswerSecond[] {
    return this.#seconds;
  }

  /** Those without an answer. They are the objects themselves, so whoever keeps one sees its answer. */
  open(): Question[] {
    return [...this.#openByPlace.values()].flat();
  }

  /** The question that it is, if it is one. */
  note(event: LogEvent): Question | null {
    const place = `${event.phoneNumberId} ${event.contactId}`;
    if (event.kind === 'sendAccepted') this.#answer(place, event.atMs);
    if (event.kind !== 'said' || !isQuestion(event)) return null;
    const question: Question = { wamid: event.wamid ?? '', askedAtMs: event.atMs, answeredAtMs: null };
    const open = this.#openByPlace.get(place);
    if (open === undefined) this.#openByPlace.set(place, [question]);
    else open.push(question);
    this.asked += 1;
    return question;
  }

  #answer(place: string, atMs: number): void {
    for (const question of this.#openByPlace.get(place) ?? []) {
      question.answeredAtMs = atMs;
      this.answered += 1;
      this.#time(atMs, atMs - question.askedAtMs);
    }
    this.#openByPlace.delete(place);
  }

  #time(atMs: number, tookMs: number): void {
    if (tookMs > tookMsMax) return;
    const second = Math.floor(atMs / 1_000);
    const last = this.#seconds.at(-1);
    if (last?.second === second) last.tookMs.push(tookMs);
    else this.#seconds = [...this.#seconds.slice(1 - secondsKeptMax), { second, tookMs: [tookMs] }];
  }
}

/** `share` 0..1; null where nothing was measured. */
export function quantileOf(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

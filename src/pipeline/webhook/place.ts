/**
 * Where in a body an element stands, and what was found so far. A body with more elements than any of Meta's is read up
 * to `elementsMax`; the rest is one problem, for which the caller keeps the whole body: nothing is lost, and a hostile
 * body stays cheap.
 */
import type { InboundItem } from '#core/model/events.ts';
import type { ContactBook } from './addresses.ts';
import { jsonTextOf } from './lenient.ts';

/** Of one body, over all its lists. Meta bundles at most 1,000 updates into one, and others wait while they are stored. */
export const elementsMax = 2_000;

/** The change that an element belongs to. */
export interface Place {
  wabaId: string;
  phoneNumberId: string | undefined;
  field: string;
  contacts: ContactBook;
  /** `entry.time` as it came; only fields about a waba have it. */
  entryTime: unknown;
  receivedAtMs: number;
}

/** What reading an element gave: an item, or why it is none. */
export type Reading = InboundItem | { type: 'problem'; what: string };

export function problem(what: string): Reading {
  return { type: 'problem', what };
}

/** An element that could not become an item. The caller quarantines it. */
export interface WebhookProblem {
  /** What is wrong with it, without a word of the customer's. */
  what: string;
  raw: string;
}

export class Findings {
  readonly items: InboundItem[] = [];
  readonly byKind: Record<string, number> = {};
  readonly problems: WebhookProblem[] = [];
  #leftOut = false;

  /** The body brought more than may be read; what comes now is left out. */
  get isOver(): boolean {
    return this.#leftOut;
  }

  get #isFull(): boolean {
    return this.items.length + this.problems.length >= elementsMax;
  }

  /** Keeps what reading `element` gave. */
  keep(reading: Reading, element: unknown): void {
    if (reading.type === 'problem') {
      this.problems.push({ what: reading.what, raw: jsonTextOf(element) });
      return;
    }
    this.items.push(reading);
    const kind = kindOf(reading);
    this.byKind[kind] = (this.byKind[kind] ?? 0) + 1;
  }

  /** Runs `read` for each element while the body may bring more; the first rest that is left out becomes one problem. */
  each(list: readonly unknown[], read: (element: unknown) => void): void {
    let next = 0;
    while (next < list.length && !this.#isFull) read(list[next++]);
    if (next === list.length || this.#leftOut) return;
    this.#leftOut = true;
    const rest = list.slice(next);
    this.keep(problem(`elements beyond the ${elementsMax} that one body may hold`), rest);
  }
}

function kindOf(item: InboundItem): string {
  switch (item.type) {
    case 'message':
      return `message.${item.kind}`;
    case 'status':
      return `status.${item.status}`;
    case 'notice':
      return `notice.${item.field}`;
  }
}

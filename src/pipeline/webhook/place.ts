/**
 * Where in a body an element stands, and what was found so far. A list longer than anything Meta sends is read up to
 * `elementsMax`; the rest is one problem that holds it whole, so nothing is lost and a hostile body stays cheap.
 */
import type { InboundItem } from '#core/model/events.ts';
import type { ContactBook } from './addresses.ts';
import { jsonTextOf } from './lenient.ts';

/** Meta bundles at most 1,000 updates into one body. */
export const elementsMax = 10_000;

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

  /** Runs `read` for each element up to `elementsMax`; beyond it the rest becomes one problem. */
  each(list: readonly unknown[], read: (element: unknown) => void): void {
    const end = Math.min(list.length, elementsMax);
    for (let i = 0; i < end; i++) read(list[i]);
    if (list.length > end) {
      const rest = list.slice(end);
      this.keep(problem(`${rest.length} elements beyond the ${elementsMax} that one list may hold`), rest);
    }
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

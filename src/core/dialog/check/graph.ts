/**
 * What the exploration finds: configurations (where a conversation can stand) and edges (what leads from one to another).
 * Two moments with the same configuration have the same future, as far as guards are taken both ways.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { Given } from './answers.ts';
import type { BothWays } from './both-ways.ts';
import type { Happening } from './happenings.ts';

export interface Configuration {
  key: string;
  /** States, in the words of the dialog: `style`, `buying.paying`. */
  label: string;
  snapshot: AnyMachineSnapshot;
  /** The states that are active, and the activities that run: progress is a change of this. */
  place: string;
  /** Invoke id -> name of the activity. */
  running: Readonly<Record<string, string>>;
  timers: Readonly<Record<string, { event: AnyEventObject; delayMs: number }>>;
  /** A person holds the conversation, by the dialog's own hand-off. */
  held: boolean;
  /** A message of the customer has not been answered yet. */
  owed: boolean;
  /** The mailbox is empty and the dialog was told so. */
  settled: boolean;
  isFinal: boolean;
  /** On the way that was found first, which is a shortest one. */
  cameBy: Edge | null;
}

export interface Edge {
  /** Null: the conversation begins. */
  from: Configuration | null;
  /** Null: the dialog throws. */
  to: Configuration | null;
  happening: Happening;
  given: readonly Given[];
  /** Lines of the transcript: what the customer sees and what a person is told. */
  said: readonly string[];
  /** Activities that start. */
  starts: readonly string[];
  /** Of these, the ones whose activity was still running. */
  startsAgain: readonly string[];
  /** A transition was taken. */
  moved: boolean;
  /** Something was said, a person was asked, or "no answer" was declared. */
  answered: boolean;
  took: readonly number[];
  fault: string | null;
}

export interface Graph {
  ways: BothWays;
  configurations: readonly Configuration[];
  edges: readonly Edge[];
  /** Edges by the key of where they begin; '' for the beginning. */
  edgesFrom: ReadonlyMap<string, readonly Edge[]>;
  /** Options that stand on the screen when a configuration is reached, with the edge that shows them. */
  offered: ReadonlyMap<string, ReadonlyMap<string, Edge | null>>;
  /** Places in which a conversation stands before its first message is handled. */
  beginnings: ReadonlySet<string>;
  /** States that are entered on some way. */
  entered: ReadonlySet<string>;
  took: ReadonlySet<number>;
  assumptions: ReadonlyMap<string, string>;
  /** Where something is said that samples could not make, and no metadata tells what it offers. */
  unseenOffers: ReadonlySet<string>;
  /** What could not be explored; empty where the exploration is complete. */
  bounds: readonly string[];
}

/** Metadata that a state may carry for the checker: `meta: { nightdesk: { ... } }`. */
export interface CheckedMeta {
  /** Options that stand on the customer's screen in this state. */
  options?: readonly string[];
  /** Conversations may rest here for good: it is a home of the dialog and no dead end. */
  home?: boolean;
}

export const metaOf = (node: { meta?: unknown }): CheckedMeta =>
  ((node.meta as { nightdesk?: CheckedMeta } | undefined)?.nightdesk ?? {}) as CheckedMeta;

export const isBusy = ({ running }: Configuration): boolean => Object.keys(running).length > 0;

/** The way from the beginning to an edge, that edge included. */
export function wayTo(edge: Edge): Edge[] {
  const way: Edge[] = [];
  for (let each: Edge | null = edge; each !== null; each = each.from?.cameBy ?? null) way.unshift(each);
  return way;
}

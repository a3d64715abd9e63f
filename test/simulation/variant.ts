/**
 * A variant of the product that is broken on purpose, from outside: a statement, the store, the network or the webhook's
 * answer is replaced. The product knows nothing of it. Variants are listed in `planted/`.
 */

import type { Store } from '#core/ports/store.ts';
import type { Http, World } from '#core/ports/world.ts';
import type { WebhookStation } from '#pipeline/webhook/station.ts';
import type { Invariant } from './checker.ts';

export interface Around {
  /** Which process it is in; the variant is made anew for each start of one. */
  process: number;
  world: World;
}

export interface Variant {
  name: string;
  /** The invariants that it breaks; the simulator must name one of them. */
  breaks: readonly Invariant[];
  /** What is wrong with it, in one sentence. */
  what: string;
  /** `values` are what the statement is bound to. */
  statement?(sql: string, values: readonly unknown[]): string;
  store?(store: Store, around: Around): Store;
  http?(http: Http, around: Around): Http;
  webhook?(webhook: WebhookStation, around: Around): WebhookStation;
}

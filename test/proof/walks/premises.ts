/** Where the shop of a walk runs, and what befalls it there. To let it run elsewhere, write one more and name it in `test/proof/walks.ts`. */
import type { Simulator } from '#simulator/index.ts';
import type { Books } from '../../walks/books.ts';
import type { Notebook } from '../../walks/notebook.ts';

export interface ConversationRef {
  tenantId: string;
  conversationId: string;
}

export interface Befalling {
  /** About how long customers walk. */
  lastsMs: number;
  random: () => number;
  /** Called before each kill. */
  killing(): void;
  /** Called when what was killed is there again. */
  revived(): Promise<void>;
}

export interface Faults {
  /** What is due at last befalls the premises, too; then all is well. */
  stop(): Promise<void>;
}

export interface Premises {
  /** Where Meta and the checkout post. */
  readonly url: string;
  readonly books: Books;
  /** Figures that may not be 0 here. */
  readonly demanded: readonly string[];
  /** Unpaid pages close after this. Where a run waits for its end it waits for those, too, unless it cannot live to see it. */
  readonly pagesExpireAfterMs: number;
  /** Faults of Meta beside those of every walk. */
  readonly metaFaults: Readonly<Record<string, unknown>>;
  applyTenants(file: object): Promise<void>;
  befall(of: Befalling): Faults;
  handBack(conversations: readonly ConversationRef[]): Promise<void>;
  audit(): Promise<{ missingCount: number; underWay: number }>;
  /** What befell it, at the end. */
  count(book: Notebook): void;
  /** The servers end; what they stored can still be read. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface Opening {
  simulator: Simulator;
  /** Of the servers. */
  env: Readonly<Record<string, string>>;
  /** That of the look-alikes, which premises may put ahead. */
  clock: { aheadMs: number };
}

/** The file that a server of a walk runs. */
export const shopConfigPath = new URL('../../walks/shop-config.ts', import.meta.url).pathname;

/**
 * Where several processes work on one store, each tells the others of what it does not do itself, so that nobody waits for a sweep. A
 * notice says "look now" and nothing more: it may be lost or come late, and the sweep finds what it named. Driver:
 * `store/postgres/notices.ts`. One process on one store has none. To tell of another thing, add it to `Notice`.
 */
import type { ConversationRef } from '../model/ids.ts';
import type { SendRef } from '../model/sends.ts';

export interface Notice {
  /** They have something to do. */
  conversations: ConversationRef[];
  /** They may leave. */
  sends: SendRef[];
  /** There are some that nobody runs. */
  activities: boolean;
  /** They were applied. */
  tenants: boolean;
}

export interface Notices {
  /** Tells the other processes; what is told together goes together. Never throws. */
  tell(part: Partial<Notice>): void;
  /** What others tell; what this process tells is not among it. `isPart`: there was more than a notice holds. */
  onNotice(listener: (notice: Notice, isPart: boolean) => void): void;
  stop(): Promise<void>;
}

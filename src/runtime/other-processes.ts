/**
 * What one process tells the others that work on the same store, and what it does when they tell it something. A process tells
 * only of what it does not do itself: what it appends, commits and settles it goes on with at once where it has the role.
 * Without others (one process on SQLite) nothing is told. To tell of another thing, add it to the `Notice`.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendRef } from '#core/model/sends.ts';
import type { Notices } from '#core/ports/notices.ts';
import type { WorkKind } from '#core/ports/store.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { Role } from './config.ts';

/** What a process looks for, by its roles. */
export function workOf(roles: readonly Role[]): WorkKind[] {
  const kinds: WorkKind[] = [];
  if (roles.includes('turn')) kinds.push('conversations');
  if (roles.includes('activity')) kinds.push('activities');
  if (roles.includes('outbox')) kinds.push('sends');
  return kinds;
}

export interface Told {
  wake(ref: ConversationRef): void;
  offer(sends: readonly SendRef[]): void;
  /** Something has no owner, or there was more than a notice holds. */
  lookNow(): void;
  reloadTenants(): void;
}

/** Does what others tell, as far as it is this process' to do. */
export function followNotices(notices: Notices, kinds: readonly WorkKind[], told: Told): void {
  notices.onNotice((notice, isPart) => {
    if (notice.tenants) told.reloadTenants();
    if (kinds.includes('conversations')) for (const ref of notice.conversations) told.wake(ref);
    if (kinds.includes('sends')) told.offer(notice.sends);
    if (isPart || (notice.activities && kinds.includes('activities'))) told.lookNow();
  });
}

/** Of a process that runs no turns: whoever does is told at once, also of what is due later, and keeps the time itself. */
export function createToldWake(notices: Notices): Wake {
  return {
    notify: (ref) => notices.tell({ conversations: [ref] }),
    next: () => [],
    looked: () => {},
    onReady: () => {},
    depth: () => 0,
    stop: () => {},
  };
}

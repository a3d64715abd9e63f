/**
 * One fsync for everything that waits. Changes are submitted as closures; what came together is run in one
 * transaction, and each promise resolves after the commit. Two lanes (statuses, the rest) share each commit fairly,
 * so neither waits behind the other. When anything in a group throws, the whole group is rolled back and its members
 * are run alone: a bad one fails by itself, its neighbours lose nothing.
 */

import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import { type CrashPoints, noCrashPoints, type Transaction } from '#core/ports/crash-points.ts';
import type { Database } from './database.ts';
import { faultOf } from './database.ts';

export type Lane = 'main' | 'status';

interface Waiting {
  transaction: Transaction;
  cost: number;
  run: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #db: Database;
  readonly #soon: (fn: () => void) => void;
  readonly #crashPoints: CrashPoints;
  readonly #lanes: Record<Lane, Waiting[]> = { main: [], status: [] };
  #scheduled = false;
  #closed = false;
  commits = 0;
  grouped = 0;

  constructor(db: Database, soon: (fn: () => void) => void, crashPoints: CrashPoints = noCrashPoints) {
    this.#db = db;
    this.#soon = soon;
    this.#crashPoints = crashPoints;
  }

  waiting(lane: Lane): number {
    return this.#lanes[lane].length;
  }

  /**
   * Runs `change` in the next commit. It must do nothing but read and write the database: it may be run twice.
   * `cost` is in appended messages, about: a commit takes changes up to a sum of it, a dearer one goes alone.
   * @throws Fault storeUnavailable where the commit failed, badData where this change alone cannot be stored.
   */
  submit<T>(lane: Lane, transaction: Transaction, change: () => T, cost = 1): Promise<T> {
    if (this.#closed)
      return Promise.reject(new Fault('stopping', 'The store is closed: the process is stopping.'));
    return new Promise<T>((resolve, reject) => {
      this.#lanes[lane].push({
        transaction,
        cost,
        run: change,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#lanes.main.length + this.#lanes.status.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    const half = limits.groupCommitCostMax / 2;
    const group = [...firstOf(this.#lanes.status, half), ...firstOf(this.#lanes.main, half)];
    if (group.length === 0) return;
    const results = this.#transact(group);
    if (results !== null) {
      this.#reach(group, 'afterCommit');
      for (let i = 0; i < group.length; i++) group[i]?.resolve(results[i]);
      return;
    }
    for (const member of group) this.#alone(member);
  }

  /** Runs all in one transaction; null where it was rolled back. */
  #transact(group: Waiting[]): unknown[] | null {
    try {
      this.#db.begin();
      const results = group.map((member) => member.run());
      this.#reach(group, 'beforeCommit');
      this.#db.run('COMMIT');
      this.commits += 1;
      this.grouped += group.length;
      return results;
    } catch {
      this.#rollBack();
      return null;
    }
  }

  #alone(member: Waiting): void {
    try {
      this.#db.begin();
      const result = member.run();
      this.#reach([member], 'beforeCommit');
      this.#db.run('COMMIT');
      this.commits += 1;
      this.grouped += 1;
      this.#reach([member], 'afterCommit');
      member.resolve(result);
    } catch (error) {
      this.#rollBack();
      member.reject(faultOf(error));
    }
  }

  #reach(group: readonly Waiting[], moment: 'beforeCommit' | 'afterCommit'): void {
    for (const { transaction } of group) this.#crashPoints.reach(`${transaction}.${moment}`);
  }

  #rollBack(): void {
    try {
      if (this.#db.raw.isTransaction) this.#db.raw.exec('ROLLBACK');
    } catch {
      // A rollback that fails (the disk is gone) has been done by SQLite itself; what waits must still be answered.
    }
  }

  /** Commits what waits, then refuses. */
  close(): void {
    while (this.#lanes.main.length + this.#lanes.status.length > 0) this.#flush();
    this.#closed = true;
  }
}

/** Takes the first of those that wait, up to a sum of their cost; at least one. */
function firstOf(waiting: Waiting[], costMax: number): Waiting[] {
  let cost = 0;
  const next = waiting.findIndex((each, index) => {
    cost += each.cost;
    return cost > costMax && index > 0;
  });
  return waiting.splice(0, next < 0 ? waiting.length : next);
}

/**
 * One fsync for everything that waits. Changes are submitted as closures; what came together is run in one
 * transaction, and each promise resolves after the commit. Two lanes (statuses, the rest) share each commit fairly,
 * so neither waits behind the other. A commit ends when enough was run, by cost and by time, and what is left has the next
 * one: whatever comes at once, the event loop is soon free for others. When anything in a group throws, the whole group
 * is rolled back and its members are run alone: a bad one fails by itself, its neighbours lose nothing.
 */

import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import { type CrashPoints, noCrashPoints, type Transaction } from '#core/ports/crash-points.ts';
import type { Database } from './database.ts';
import { faultOf } from './database.ts';

export type Lane = 'main' | 'status';

const lanesByTurn: readonly Lane[] = ['status', 'main'];

interface Waiting {
  transaction: Transaction;
  cost: number;
  run: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /** Runs a function after the I/O that is ready now; what is submitted until then shares one commit. */
  soon: (fn: () => void) => void;
  /** Bounds a commit by time; by cost alone if absent. */
  monotonicMs?: () => number;
  /** Told of every commit; nobody is if absent. */
  crashPoints?: CrashPoints;
}

export class GroupCommit {
  readonly #db: Database;
  readonly #soon: (fn: () => void) => void;
  readonly #monotonicMs: () => number;
  readonly #crashPoints: CrashPoints;
  readonly #lanes: Record<Lane, Waiting[]> = { main: [], status: [] };
  #scheduled = false;
  #closed = false;
  commits = 0;
  grouped = 0;

  constructor(db: Database, { soon, monotonicMs, crashPoints }: GroupCommitOptions) {
    this.#db = db;
    this.#soon = soon;
    this.#monotonicMs = monotonicMs ?? (() => 0);
    this.#crashPoints = crashPoints ?? noCrashPoints;
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
    const group = this.#transact();
    if (group.length === 0) return;
    this.#reach(
      group.map(({ member }) => member),
      'afterCommit',
    );
    for (const { member, result } of group) member.resolve(result);
  }

  /** Runs what waits in one transaction until enough was run. Nothing was committed where it gives nothing. */
  #transact(): { member: Waiting; result: unknown }[] {
    const spent: Record<Lane, number> = { main: 0, status: 0 };
    const endMs = this.#monotonicMs() + limits.groupCommitMsMax;
    const taken: Waiting[] = [];
    try {
      const group: { member: Waiting; result: unknown }[] = [];
      for (let member = this.#next(spent); member !== undefined; member = this.#next(spent)) {
        if (taken.push(member) === 1) this.#db.begin();
        group.push({ member, result: member.run() });
        if (this.#monotonicMs() > endMs) break;
      }
      if (group.length === 0) return [];
      this.#reach(taken, 'beforeCommit');
      this.#db.run('COMMIT');
      this.commits += 1;
      this.grouped += group.length;
      return group;
    } catch {
      this.#rollBack();
      for (const member of taken) this.#alone(member);
      return [];
    }
  }

  /** The first of the lane that has had less of this commit; none where both had their share. */
  #next(spent: Record<Lane, number>): Waiting | undefined {
    const half = limits.groupCommitCostMax / 2;
    for (const lane of spent.status <= spent.main ? lanesByTurn : lanesByTurn.toReversed()) {
      const first = this.#lanes[lane][0];
      if (first === undefined || (spent[lane] > 0 && spent[lane] + first.cost > half)) continue;
      spent[lane] += first.cost;
      return this.#lanes[lane].shift();
    }
    return undefined;
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

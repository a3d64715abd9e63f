/**
 * What delivery statuses make of a send: its delivery only rises and is what Meta has told, its state follows the life of
 * a send and goes back from a settled one only as that allows, its wamids are those under which Meta accepted it, and
 * when all has come to rest no status that was acknowledged is missing.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import { type Observation, type StatusSeen, short } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';

export const statusesOnlyRise: MakeChecker = (view) => new Statuses(view);

/** From each state, those that may follow. */
const follows: Readonly<Record<string, readonly string[]>> = {
  queued: ['sending', 'withdrawn', 'accepted', 'failed'],
  sending: ['queued', 'accepted', 'refused', 'uncertain', 'failed', 'withdrawn'],
  uncertain: ['accepted', 'queued', 'held', 'withdrawn', 'failed'],
  accepted: ['failed'],
  refused: [],
  failed: ['accepted'],
  held: ['accepted', 'queued', 'withdrawn', 'failed'],
  withdrawn: [],
};

const ranks = ['none', 'sent', 'delivered', 'read', 'played'];
const rankOf = (delivery: unknown) => ranks.indexOf(String(delivery));
const hasArrived = (delivery: unknown) => rankOf(delivery) >= rankOf('delivered');

/** What Meta has told of one send. */
interface Told {
  wamids: Set<string>;
  posted: Set<string>;
  acknowledged: StatusSeen[];
}

class Statuses implements Checker {
  readonly invariant = 'statuses';
  readonly #view: View;
  readonly #told = new Map<string, Told>();
  readonly #sendOf = new Map<string, string>();

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    if (seen.kind === 'arrived' && seen.wamid !== null) {
      this.#sendOf.set(seen.wamid, seen.sendId);
      this.#of(seen.sendId).wamids.add(seen.wamid);
    } else if (seen.kind === 'posted')
      for (const status of seen.statuses) this.#ofStatus(status)?.posted.add(status.status);
    else if (seen.kind === 'acknowledged' && seen.status === 200)
      for (const status of seen.statuses) this.#ofStatus(status)?.acknowledged.push(status);
  }

  #of(sendId: string): Told {
    let told = this.#told.get(sendId);
    if (told === undefined) {
      told = { wamids: new Set(), posted: new Set(), acknowledged: [] };
      this.#told.set(sendId, told);
    }
    return told;
  }

  #ofStatus({ wamid }: StatusSeen): Told | undefined {
    const sendId = this.#sendOf.get(wamid);
    return sendId === undefined ? undefined : this.#of(sendId);
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: fresh } of changes) {
      if (table !== 'send' || old === null || fresh === null) continue;
      if (fresh.delivery !== old.delivery) this.#judgeDelivery(old, fresh);
      if (fresh.state !== old.state) this.#judgeState(old, fresh);
      for (const wamid of [fresh.wamid, fresh.second_wamid]) this.#judgeWamid(fresh, wamid);
    }
  }

  #judgeDelivery(old: Values, send: Values): void {
    const id = String(send.send_id);
    const words = `The delivery of send ${id} went from ${old.delivery} to ${send.delivery}`;
    if (rankOf(send.delivery) < rankOf(old.delivery)) this.#violated(`${words}; it may only rise.`, id);
    else if (!this.#of(id).posted.has(String(send.delivery)))
      this.#violated(`${words}, which no status of Meta has told.`, id);
  }

  #judgeState(old: Values, send: Values): void {
    const id = String(send.send_id);
    const words = `Send ${id} was ${old.state} and became ${send.state}`;
    if (!follows[String(old.state)]?.includes(String(send.state)))
      this.#violated(`${words}, which does not follow in the life of a send.`, id);
    else if (send.state === 'failed' && hasArrived(send.delivery))
      this.#violated(`${words}, although the customer has it: it was ${send.delivery} before.`, id);
    else if (old.state === 'failed' && !hasArrived(send.delivery))
      this.#violated(`${words}; only a delivery overrides a failure, and it was ${send.delivery}.`, id);
    else if (send.state === 'accepted' && this.#of(id).wamids.size === 0 && !saidByPerson(send))
      this.#violated(`${words}, and Meta has never accepted it.`, id);
  }

  #judgeWamid(send: Values, wamid: unknown): void {
    const id = String(send.send_id);
    if (typeof wamid === 'string' && !this.#of(id).wamids.has(wamid))
      this.#violated(`Send ${id} has the id ${short(wamid)}, under which Meta never accepted it.`, id);
    if (wamid !== null && send.wamid === send.second_wamid)
      this.#violated(`Send ${id} has one wamid twice, which would count as a proven duplicate.`, id);
  }

  end(): void {
    for (const [id, { acknowledged }] of this.#told) {
      if (acknowledged.length === 0) continue;
      const row = this.#view.rows.get<{ state: string; delivery: string; wamid: string | null }>(
        'SELECT state, delivery, wamid FROM send WHERE send_id = ?',
        id,
      );
      const most = Math.max(0, ...acknowledged.map(({ status }) => rankOf(status)));
      const hasFailed = acknowledged.some(({ status, wamid }) => status === 'failed' && wamid === row?.wamid);
      if (row === undefined) this.#violated(`Send ${id} is gone, and statuses told of it.`, id);
      else if (rankOf(row.delivery) < most)
        this.#violated(`Send ${id} was reported as ${ranks[most]}, and its row says ${row.delivery}.`, id);
      else if (hasFailed && !hasArrived(row.delivery) && row.state === 'accepted')
        this.#violated(`Send ${id} was reported as failed, and its row says accepted.`, id);
    }
  }

  #violated(what: string, sendId: string): void {
    this.#view.violated({ invariant: this.invariant, what, subjects: [sendId] });
  }
}

const saidByPerson = ({ why }: Values) => String(why).startsWith('accepted by ');

/**
 * Which turns, activities and sends belong to one message. A message stands at a position of its conversation; from the turn
 * that takes it to the one that ends it, everything that the conversation's turns start is done for it, unless a send says
 * that it answers an earlier position only. A message of ours belongs to the turn that queued it, and with it to the messages
 * that it answers. An event of the business belongs to the life of every message whose turns took it, or that followed from it.
 */
import type { BookedMoment, LifeRecord } from './moment-book.ts';

export type MomentOf<K extends BookedMoment['kind']> = Extract<BookedMoment, { kind: K }>;

/** All that is told of in one life. */
export interface Scope {
  /** Of the customer. */
  readonly messages: Set<string>;
  readonly turns: Set<string>;
  readonly activities: Set<string>;
  readonly sends: Set<string>;
  /** Events of the business, by conversation and position. */
  readonly business: Set<string>;
  /** Wamids of the sends. */
  readonly sentWamids: Set<string>;
}

interface OfTurn {
  tenantId: string;
  conversationId: string;
  turn: number;
}

const conversationKeyOf = ({ tenantId, conversationId }: Omit<OfTurn, 'turn'>): string =>
  `${tenantId}\n${conversationId}`;

export const turnKeyOf = (of: OfTurn): string => `${conversationKeyOf(of)}\n${of.turn}`;
export const businessKeyOf = (of: Omit<OfTurn, 'turn'>, position: number): string =>
  `${conversationKeyOf(of)}\n${position}`;

/** What the records tell about who belongs to whom. */
class Ties {
  readonly taken: MomentOf<'turnTaken'>[] = [];
  /** In the order of their commits. */
  readonly committed = new Map<string, MomentOf<'turnCommitted'>[]>();
  readonly sendOfWamid = new Map<string, string>();

  constructor(records: readonly LifeRecord[]) {
    for (const record of records) {
      if ('moment' in record) this.#read(record.moment);
      else if (record.event.kind === 'sendAccepted' && record.event.opaque !== null)
        this.sendOfWamid.set(record.event.wamid, record.event.opaque);
    }
  }

  turnsOf(conversation: string): readonly MomentOf<'turnCommitted'>[] {
    return this.committed.get(conversation) ?? [];
  }

  #read(moment: BookedMoment): void {
    if (moment.kind === 'turnTaken') this.taken.push(moment);
    else if (moment.kind === 'turnCommitted') {
      const key = conversationKeyOf(moment);
      const turns = this.committed.get(key);
      if (turns === undefined) this.committed.set(key, [moment]);
      else turns.push(moment);
    } else if (moment.kind === 'attemptEnded' && moment.wamid !== null)
      this.sendOfWamid.set(moment.wamid, moment.sendId);
    else if (moment.kind === 'statusStored' && moment.sendId !== null)
      this.sendOfWamid.set(moment.wamid, moment.sendId);
  }
}

export function scopeOf(wamid: string, records: readonly LifeRecord[]): Scope {
  const ties = new Ties(records);
  const scope: Scope = {
    ...{ messages: new Set(), turns: new Set(), activities: new Set() },
    ...{ sends: new Set(), business: new Set(), sentWamids: new Set() },
  };
  const sendId = ties.sendOfWamid.get(wamid);
  if (sendId === undefined) addMessage(scope, ties, wamid);
  else addSend(scope, ties, sendId);
  for (const [sent, of] of ties.sendOfWamid) if (scope.sends.has(of)) scope.sentWamids.add(sent);
  // A turn that was taken and not committed has nothing but what it took.
  for (const taken of ties.taken)
    if (taken.events.some((event) => belongs(scope, event))) scope.turns.add(turnKeyOf(taken));
  for (const taken of ties.taken) {
    if (!scope.turns.has(turnKeyOf(taken))) continue;
    for (const { event, position } of taken.events)
      if (event === 'business') scope.business.add(businessKeyOf(taken, position));
  }
  return scope;
}

function belongs(scope: Scope, event: { wamid: string | null; activityId: string | null }): boolean {
  return (
    (event.wamid !== null && scope.messages.has(event.wamid)) ||
    (event.activityId !== null && scope.activities.has(event.activityId))
  );
}

function addMessage(scope: Scope, ties: Ties, wamid: string): void {
  scope.messages.add(wamid);
  for (const turns of ties.committed.values()) {
    const first = turns.findIndex(({ events }) => events.some((event) => event.wamid === wamid));
    if (first < 0) continue;
    const position = turns[first]!.events.find((event) => event.wamid === wamid)!.position;
    let isEnded = false;
    for (const turn of turns.slice(first)) {
      const isResult = turn.events.some(
        ({ activityId }) => activityId !== null && belongs(scope, { wamid: null, activityId }),
      );
      if (isEnded && !isResult) continue;
      scope.turns.add(turnKeyOf(turn));
      for (const { sendId, through } of turn.sends)
        if (isEnded || through >= position) scope.sends.add(sendId);
      const ends = (turn.endedThrough ?? -1) >= position;
      // What the turn that ends it starts is for those that came later.
      if (!isEnded && (!ends || turn === turns[first]))
        for (const { activityId } of turn.activities) scope.activities.add(activityId);
      isEnded ||= ends;
    }
  }
}

function addSend(scope: Scope, ties: Ties, sendId: string): void {
  for (const turns of ties.committed.values()) {
    const at = turns.findIndex(({ sends }) => sends.some((send) => send.sendId === sendId));
    if (at < 0) continue;
    const turn = turns[at]!;
    const through = turn.sends.find((send) => send.sendId === sendId)!.through;
    const endedBefore = Math.max(-1, ...turns.slice(0, at).map(({ endedThrough }) => endedThrough ?? -1));
    scope.turns.add(turnKeyOf(turn));
    const answered = turns
      .slice(0, at + 1)
      .flatMap(({ events }) => events)
      .filter(({ wamid, position }) => wamid !== null && position > endedBefore && position <= through);
    for (const { wamid } of answered) if (wamid !== null) addMessage(scope, ties, wamid);
    for (const led of ledFromBusiness(turns, turn)) {
      scope.turns.add(turnKeyOf(led));
      for (const { activityId } of led.activities) scope.activities.add(activityId);
    }
  }
  // What else was said to those messages has a life of its own.
  scope.sends.clear();
  scope.sends.add(sendId);
}

type Committed = MomentOf<'turnCommitted'>;

/** The turn, and those whose work it has the results of, where one of them took an event of the business; else none. */
function ledFromBusiness(turns: readonly Committed[], turn: Committed): Committed[] {
  const results = new Set(turn.events.map(({ activityId }) => activityId));
  const before = turns.filter(({ activities }) =>
    activities.some(({ activityId }) => results.has(activityId)),
  );
  const way = [turn, ...before.flatMap((each) => ledFromBusiness(turns, each))];
  return way.some(({ events }) => events.some(({ event }) => event === 'business')) ? way : [];
}

/** What a turn tells an observer: what it took, what it committed, and what that asks of a person. */
import type { Observer, TakenEvent } from '#core/ports/observer.ts';
import type { Lease, TakenConversation, TurnCommit } from '#core/ports/store.ts';

const turnOf = ({ ref, fence }: Lease) => ({ ...ref, turn: fence });

const eventsOf = (events: TakenConversation['events']): TakenEvent[] =>
  events.map(({ position, kind, wamid, content }) => ({
    position,
    event: kind,
    wamid,
    activityId: content.activityId ?? null,
  }));

export function tellTaken(observer: Observer, { lease, events }: TakenConversation): void {
  observer.observe({ kind: 'turnTaken', ...turnOf(lease), events: eventsOf(events) });
}

export function tellCommitted(
  observer: Observer,
  taken: TakenConversation,
  commit: TurnCommit,
  tookMs: number,
): void {
  const turn = turnOf(taken.lease);
  const consumed = new Set(commit.consumed.map(({ position }) => position));
  const throughOf = (endRef: string) => commit.ends.find((end) => end.endRef === endRef)?.through;
  observer.observe({
    kind: 'turnCommitted',
    ...turn,
    state: commit.stateLabel,
    events: eventsOf(taken.events.filter(({ position }) => consumed.has(position))),
    sends: commit.sends.map(({ sendId, origin }) => ({ sendId, origin, through: throughOf(sendId) ?? 0 })),
    activities: commit.activities.map(({ activityId, name }) => ({ activityId, activity: name })),
    cancelled: commit.cancelledActivities,
    timers: commit.timers.length,
    deadLetters: commit.deadLetters.length,
    endedThrough: commit.ends.length === 0 ? null : Math.max(...commit.ends.map(({ through }) => through)),
    tookMs,
  });
  for (const { flagId, reason } of commit.flags)
    observer.observe({ kind: 'flagged', ...turn, reason, through: throughOf(flagId) ?? null });
  for (const { sendId, origin } of commit.sends)
    if (origin === 'fallback') observer.observe({ kind: 'fallbackQueued', ...turn, sendId });
  if (commit.handOff) observer.observe({ kind: 'handedOff', ...turn });
}

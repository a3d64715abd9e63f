/**
 * What a busy store is asked in a second, as one round after another of the same size: customers write, turns are taken and committed, one of
 * them pays for something, sends leave and statuses come back, and upkeep looks. Each step is one door, called for the whole group. A door
 * that becomes hot is added to `playRound`.
 */
import type { Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { RunnableActivity, SendRef, TakenConversation } from '#core/ports/store.ts';
import { accepted, dayMs, minuteMs, nth, owner, type Scene } from '#testing/store-conformance/scene.ts';

/** Runs a step; whoever watches counts what it costs. */
export type Step = <T>(name: string, act: () => Promise<T>) => Promise<T>;

export const groupSize = 20;
/** In each round so many write for the first time. */
const newcomers = 5;
const paid = { name: 'draw', input: { what: 'a cat' }, deadlineMs: minuteMs };
const starts = { limit: 'starts', windowMs: 60 * minuteMs, max: 10_000, amount: 1 };
const cost = { currency: 'USD', amountMicros: 100, onUncertain: 'retryWithKey', late: 'discard' } as const;

export async function playRound(scene: Scene, round: number, step: Step): Promise<void> {
  const { store } = scene;
  scene.advance(minuteMs);
  const customers = Array.from({ length: groupSize }, (_, at): Sender => customer(at));
  const words = customers.map((from) => scene.message(`Hello, this is round ${round}`, { from }));
  const { wakes } = await step('append', () => scene.append(...words));
  const refs = wakes.map(({ ref }) => ref);
  const newest = Array.from({ length: newcomers }, (_, at) => customer(1_000 + round * newcomers + at));
  const others = await step('append of newcomers', () =>
    scene.append(...newest.map((from) => scene.message('Good morning', { from }))),
  );
  await step('append again', () => scene.append(...words));
  await endWork(scene, await beginWork(scene, refs, step), step);
  const sends = await answerAll(scene, [...refs, ...others.wakes.map(({ ref }) => ref)], step);
  await deliverAll(scene, sends, step);
  await step('find_work', () => store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 100 }));
  scene.advance(2 * minuteMs);
  await step('fire_timers', () => store.fireTimers({ nowMs: scene.nowMs, max: 100 }));
  // Silence is evidence where the way of statuses is open.
  await scene.report(scene.status('sent', { wamid: `wamid.others.later${round}` }));
  const { resent } = await step('resolve_uncertain', () =>
    store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 }),
  );
  for (const send of resent) await scene.deliver(send);
  await step('stats', () => store.stats());
  // Nothing is old enough; new tables are analyzed.
  await store.prune({ nowMs: scene.nowMs, retentionMs: 90 * dayMs, dedupeKeepMs: 90 * dayMs, maxRows: 1 });
}

function customer(nth: number): Sender {
  return { phone: `1555${nth}`, bsuid: `US.5${nth}`, name: 'Noor' };
}

const activityOf = (ref: ConversationRef, fence: number) => `act_${ref.conversationId.slice(4)}${fence}`;

async function takeAll(
  { store, nowMs }: Scene,
  refs: readonly ConversationRef[],
  step: Step,
): Promise<TakenConversation[]> {
  const taken = await step('take_conversations', () =>
    store.takeConversations({ refs: [...refs], ownerId: owner, nowMs }),
  );
  return taken.filter((each) => each.outcome === 'taken');
}

/** Every conversation starts an activity, every second one pays for it; some have a timer that is due soon. */
async function beginWork(
  scene: Scene,
  refs: readonly ConversationRef[],
  step: Step,
): Promise<RunnableActivity[]> {
  const taken = await takeAll(scene, refs, step);
  const committed = await step('commit_turns that start activities', () =>
    Promise.all(
      taken.map((each, at) =>
        scene.commit(each, {
          activities: [
            {
              ...paid,
              activityId: activityOf(each.lease.ref, each.lease.fence),
              claims: [{ ...starts, scope: each.contactId }],
              ...(at % 2 === 0 && { cost }),
            },
          ],
          timers: [
            { timerId: 'patience', token: 'token', dueAtMs: scene.nowMs + (at < 3 ? 1 : 1_000) * minuteMs },
          ],
        }),
      ),
    ),
  );
  return committed.flatMap(({ activities }) => activities);
}

async function endWork(scene: Scene, activities: readonly RunnableActivity[], step: Step): Promise<void> {
  const { store, nowMs } = scene;
  const attemptOf = ({ ref, activityId }: RunnableActivity) => ({ ref, activityId, ownerId: owner, nowMs });
  const knows = activities.map(({ activityId }) => activityId);
  const charged = activities.filter(({ charge }) => charge !== undefined);
  await step('renew_leases', () => store.renewLeases({ ownerId: owner, nowMs, knows }));
  await step('read_histories', () =>
    Promise.all(activities.map(({ ref, fence }) => store.readHistory({ ref, throughFence: fence, max: 5 }))),
  );
  await step('begin_attempts', () => Promise.all(charged.map((each) => store.beginAttempt(attemptOf(each)))));
  await step('settle_activities', () =>
    Promise.all(
      activities.map((each) =>
        store.settleActivity({
          ...attemptOf(each),
          result: { words: 'at nine' },
          usage: { model: 'small', inputTokens: 10, outputTokens: 10 },
          ...(each.charge && { charge: { kind: 'charged', amountMicros: 90 } }),
        }),
      ),
    ),
  );
}

async function answerAll(scene: Scene, refs: readonly ConversationRef[], step: Step): Promise<SendRef[]> {
  const taken = await takeAll(scene, refs, step);
  const committed = await step('commit_turns that answer', () =>
    Promise.all(
      taken.map((each) => {
        const send = scene.newSend('We open at nine.', { uncertainPolicy: 'resendOnEvidence' });
        const through = Math.max(...each.events.map(({ position }) => position));
        return scene.commit(each, {
          sends: [send],
          ends: [{ end: 'answered', endRef: send.sendId, through }],
        });
      }),
    ),
  );
  return committed.flatMap(({ sends }) => sends);
}

/** Of one nobody knows what became of it; of the others everything is heard, and something of a send of somebody else's. */
async function deliverAll(scene: Scene, sends: SendRef[], step: Step): Promise<void> {
  const { store, nowMs } = scene;
  const granted = (await step('grant_sends', () => scene.grant(sends))).filter(
    ({ outcome }) => outcome === 'granted',
  );
  const wamidOf = (at: number) => `wamid.out.${nth(granted, at).send.sendId}`;
  await step('settle_sends', () =>
    store.settleSends({
      nowMs,
      settlements: granted.map(({ send }, at) => ({
        ...{ send, attempt: 1 },
        outcome:
          at === 0
            ? { kind: 'uncertain', why: 'socket closed', windowMs: minuteMs, errorCode: null }
            : accepted(wamidOf(at)),
      })),
    }),
  );
  const heard = granted
    .slice(1)
    .flatMap((_, at) =>
      (['sent', 'delivered', 'read'] as const).map((word) => scene.status(word, { wamid: wamidOf(at + 1) })),
    );
  const unmatched = scene.status('sent', { wamid: `wamid.others.${nowMs}` });
  await step('record_statuses', () => scene.report(...heard, unmatched));
}

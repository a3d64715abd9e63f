/**
 * Runs one plan from its seed to rest: first everything goes wrong as planned and the checkers watch every commit; then
 * all faults end, people hand back what they hold, and within bounded virtual time nothing may be left to do.
 */
import { configureLimits, limits } from '#core/limits.ts';
import { createContacts, handBackAll, schedule } from './actions.ts';
import type { MakeChecker, Violation } from './checker.ts';
import { makeCheckers } from './checkers/index.ts';
import { standStill } from './no-machine.ts';
import type { Plan } from './plan.ts';
import { countsOf } from './tally.ts';
import { makeKey } from './teller.ts';
import { Universe } from './universe.ts';
import type { Variant } from './variant.ts';

/** The longest that a rest may take to come to its end, and what is then waited for more. */
export const restMaxMs = 60 * 60_000;
const stillMs = 90_000;
/** How often it is asked whether anything is left to do. */
const lookEveryMs = 5_000;

export interface Outcome {
  violation: Violation | null;
  /** What happened, in words; of a violation only what is about it. */
  story: string[];
  /** Equal for two runs exactly if they did the same. */
  hash: string;
  /** Observations and row changes. */
  events: number;
  virtualMs: number;
  counts: Record<string, number>;
}

export interface RunOptions {
  plan: Plan;
  variant?: Variant;
  checkers?: readonly MakeChecker[];
}

export async function simulate(options: RunOptions): Promise<Outcome> {
  const before = { ...limits };
  const { lookAgainMs } = options.plan.paid;
  configureLimits({ chargeBackoffBaseMs: lookAgainMs, chargeBackoffMaxMs: 4 * lookAgainMs });
  try {
    return await standStill(() => run(options));
  } finally {
    configureLimits(before);
  }
}

async function run({ plan, variant, checkers = makeCheckers }: RunOptions): Promise<Outcome> {
  const universe = new Universe({ plan, checkers, ...(variant && { variant }) });
  const { world } = universe;
  createContacts(universe);
  for (let process = 0; process < plan.processes; process += 1) void universe.start(process);
  await until(universe, () => universe.running().length === plan.processes, 60_000);
  await applyTenants(universe);
  await makeKeys(universe);
  schedule(universe, plan.actions);
  await until(universe, () => false, plan.activeMs + 1_000);
  if (universe.violation === null) await comeToRest(universe);
  universe.look();
  return {
    violation: universe.violation,
    story: universe.journal.story(universe.violation?.subjects ?? []),
    hash: universe.journal.hash(),
    events: universe.journal.seen.length + universe.rows.drained,
    virtualMs: world.clock.monotonicMs(),
    counts: countsOf(universe),
  };
}

/** Whoever applies the tenants sees that it failed, and does it again. */
async function applyTenants(universe: Universe): Promise<void> {
  let applied: unknown = null;
  const endMs = universe.nowMs() + 120_000;
  while (applied === null && universe.violation === null && universe.nowMs() < endMs) {
    let isOver = false;
    void universe.applyTenants().then((done) => {
      applied = done;
      isOver = true;
    });
    await until(universe, () => isOver, 60_000);
  }
}

/** As `nightdesk keys create` would, whose keys are of the machine's own chance. */
async function makeKeys(universe: Universe): Promise<void> {
  for (const { id } of universe.plan.tenants)
    for (let isMade = false; !isMade; ) {
      let isOver = false;
      void makeKey(universe.store, id, universe.nowMs()).then(
        () => {
          isMade = isOver = true;
        },
        () => {
          isOver = true;
        },
      );
      await until(universe, () => isOver, 60_000);
    }
}

/** Lets time pass until the condition holds, a checker objects, or the time is over. */
async function until(universe: Universe, condition: () => boolean, maxMs: number): Promise<void> {
  const { world } = universe;
  const endMs = world.nowMs() + maxMs;
  while (world.nowMs() < endMs && universe.violation === null && !condition()) {
    await world.advance(Math.min(250, endMs - world.nowMs()));
    universe.look();
    universe.passed();
  }
}

async function comeToRest(universe: Universe): Promise<void> {
  const { world, meta, plan, journal } = universe;
  universe.isHealed = true;
  meta.faults.clear();
  journal.note({ kind: 'world', what: 'everything that was broken is mended' });
  // Who was paused or down comes back by itself within the longest absence that a plan can draw.
  await until(universe, () => universe.running().length === plan.processes, 120_000);
  await applyTenants(universe);
  meta.retryNow(world.nowMs());
  universe.link.pump();
  const endMs = world.nowMs() + restMaxMs;
  let stillSinceMs: number | null = null;
  while (world.nowMs() < endMs && universe.violation === null) {
    void handBackAll(universe);
    // A process that was held up may hear late of what pauses a number for hours; an operator sees that and lets it go on.
    if (universe.rows.get(isPaused, universe.world.nowMs() + restMaxMs / 2) !== undefined)
      await applyTenants(universe);
    await until(universe, () => false, lookEveryMs);
    const left = leftToDo(universe);
    if (left.length > 0) stillSinceMs = null;
    else stillSinceMs ??= world.nowMs();
    if (stillSinceMs !== null && world.nowMs() - stillSinceMs >= stillMs) break;
  }
  const left = leftToDo(universe);
  if (left.length > 0)
    universe.violated({
      invariant: 'liveness',
      what: `After ${restMaxMs / 60_000} minutes without faults there is still something to do: ${left.join('; ')}.`,
      subjects: [],
    });
  else await universe.end();
}

const open: readonly (readonly [string, string])[] = [
  ['an event that no turn took', `SELECT conversation_id AS id FROM event WHERE end IS NULL`],
  ['an event that awaits its answer', `SELECT conversation_id AS id FROM event WHERE end = 'awaiting'`],
  ['an open send', `SELECT send_id AS id FROM send WHERE state IN ('queued', 'sending', 'uncertain')`],
  [
    'money of which nobody knows what became of it',
    `SELECT activity_id AS id FROM ledger_entry WHERE state NOT IN ('settled', 'refunded')`,
  ],
  ['a running activity', `SELECT activity_id AS id FROM activity WHERE state = 'running'`],
  ['a message in quarantine', `SELECT quarantine_id AS id FROM quarantine WHERE redriven_at_ms IS NULL`],
  ['a timer', `SELECT timer_id AS id FROM timer`],
  [
    'a hold',
    `SELECT conversation_id AS id FROM conversation WHERE holder = 'operator' AND merged_into IS NULL`,
  ],
];

const isPaused = 'SELECT 1 AS one FROM pace WHERE paused_until_ms > ? LIMIT 1';

function leftToDo({ rows, meta, teller }: Universe): string[] {
  const left = open.flatMap(([what, sql]) => {
    const found = rows.all<{ id: string }>(sql);
    return found.length === 0 ? [] : [`${what} (${found.length}: ${found[0]?.id})`];
  });
  const { updates, inFlight, retrying } = meta.waiting();
  const webhooks = updates + inFlight + retrying;
  if (webhooks > 0) left.push(`${webhooks} webhooks that are not acknowledged`);
  if (teller.waiting > 0) left.push(`${teller.waiting} events of the business that nobody has answered`);
  return left;
}

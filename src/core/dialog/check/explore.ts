/**
 * Explores a dialog breadth first, so that the first way to a configuration is a shortest one. What the runtime does
 * around a machine is done here as in `run-turn.ts`: results and timers of earlier visits change nothing, a message that
 * no transition takes gets the dialog's unexpected text or the fallback, the end of the dialog begins anew with the next
 * message, a hand-back ends what ran. Both must tell the same story; a test compares them.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Dialog } from '../dialog.ts';
import { defaultTexts } from '../fallback.ts';
import { type ActionData, type BothWays, bothWays, type Outcome, type Step } from './both-ways.ts';
import {
  type Bookkeeping,
  bookkeep,
  isSame,
  labelOfValue,
  placeOf,
  stillAwaited,
  without,
} from './configurations.ts';
import { type Configuration, type Edge, type Graph, metaOf } from './graph.ts';
import {
  businessEventsOf,
  doneOf,
  drained,
  failureOf,
  foreignOption,
  type Happening,
  handedBack,
  messages,
  staleTap,
  tapOn,
  timerOf,
} from './happenings.ts';
import { sayingsOf } from './sayings.ts';

export interface ExploreBounds {
  configurationsMax: number;
  stepsMax: number;
}

export const defaultBounds: ExploreBounds = { configurationsMax: 5_000, stepsMax: 250_000 };

interface Exploration {
  dialog: Dialog;
  ways: BothWays;
  /** The runtime tells the end of a batch to dialogs that have a transition for it. */
  hearsDrained: boolean;
  hearsStaleTap: boolean;
  business: readonly Happening[];
  configurations: Map<string, Configuration>;
  queue: Configuration[];
  edges: Edge[];
  edgesFrom: Map<string, Edge[]>;
  offered: Map<string, Map<string, Edge | null>>;
  entered: Set<string>;
  took: Set<number>;
  assumptions: Map<string, string>;
  unseenOffers: Set<string>;
  bounds: Set<string>;
  steps: number;
}

export function explore(dialog: Dialog, bounds: ExploreBounds = defaultBounds): Graph {
  const ways = bothWays(dialog);
  const on: Exploration = {
    dialog,
    ways,
    hearsDrained: ways.nodes.some((node) => node.transitions.has('mailboxDrained')),
    hearsStaleTap: ways.nodes.some((node) => node.transitions.has('staleTap')),
    business: businessEventsOf(ways.nodes),
    configurations: new Map(),
    queue: [],
    edges: [],
    edgesFrom: new Map(),
    offered: new Map(),
    entered: new Set(),
    took: new Set(),
    assumptions: new Map(),
    unseenOffers: new Set(),
    bounds: new Set(),
    steps: 0,
  };
  const beginnings = begin(on);
  for (let next = on.queue.shift(); next !== undefined; next = on.queue.shift()) {
    if (on.configurations.size > bounds.configurationsMax)
      on.bounds.add(`${bounds.configurationsMax} configurations`);
    if (on.steps > bounds.stepsMax) on.bounds.add(`${bounds.stepsMax} steps`);
    if (on.bounds.size > 0) break;
    expand(on, next);
  }
  const { configurations, edges, edgesFrom, offered, entered, took, assumptions, unseenOffers } = on;
  return {
    ways,
    configurations: [...configurations.values()],
    edges,
    edgesFrom,
    offered,
    beginnings,
    entered,
    took,
    assumptions,
    unseenOffers,
    bounds: [...on.bounds],
  };
}

/** The dialog begins with the first message that wants an answer, and handles that message at once. */
function begin(on: Exploration): Set<string> {
  const beginnings = new Set<string>();
  for (const happening of [...messages.filter(({ wantsAnswer }) => wantsAnswer), ...on.business]) {
    for (const first of outcomesOf(on, on.ways.begin(happening.facts))) {
      note(on, first);
      if (first.fault !== null) {
        addEdge(on, faultEdge(null, happening, first));
        continue;
      }
      const books = bookkeep({ running: {}, timers: {} }, first.actions);
      beginnings.add(placeOf(first.snapshot, books));
      const { actions: shown } = first;
      if (first.snapshot.status === 'done')
        arrive(on, { from: null, happening, outcome: first, books, moved: true, shown });
      else follow(on, { from: null, happening, snapshot: first.snapshot, books, before: first });
    }
  }
  return beginnings;
}

function expand(on: Exploration, from: Configuration): void {
  if (from.isFinal) return;
  const { snapshot } = from;
  for (const happening of happeningsAt(on, from)) {
    const { invokeId, timerId } = happening;
    const running = invokeId === undefined ? from.running : without(from.running, invokeId);
    const timers = timerId === undefined ? from.timers : without(from.timers, timerId);
    follow(on, { from, happening, snapshot, books: { running, timers }, before: null });
  }
}

const failures = ['failed', 'deadline', 'limitRefused', 'uncertain', 'otherwise'] as const;

function happeningsAt(on: Exploration, from: Configuration): Happening[] {
  if (from.held) return [handedBack];
  const options = [...(on.offered.get(from.key)?.keys() ?? [])];
  const ends = Object.entries(from.running).flatMap(([invokeId, name]) => {
    const isPaid = on.dialog.activities[name]?.cost !== undefined;
    const codes = failures.filter((code) => code !== 'uncertain' || isPaid);
    return [doneOf(invokeId, name), ...codes.map((code) => failureOf(invokeId, name, code))];
  });
  return [
    ...messages,
    ...options.flatMap(tapOn),
    ...(options.length === 0 ? [] : tapOn(foreignOption)),
    ...ends,
    ...Object.entries(from.timers).map(([timerId, { event, delayMs }]) => timerOf(timerId, event, delayMs)),
    ...on.business,
    ...(on.hearsDrained ? [drained] : []),
    ...(on.hearsStaleTap ? [staleTap] : []),
    handedBack,
  ];
}

interface Going {
  from: Configuration | null;
  happening: Happening;
  snapshot: AnyMachineSnapshot;
  books: Bookkeeping;
  /** What has been done already in the same breath: the beginning of the dialog, or the step before. */
  before: Outcome | null;
}

function follow(on: Exploration, { from, happening, snapshot, books, before }: Going): void {
  for (const outcome of outcomesOf(on, on.ways.step(snapshot, happening.event, happening.facts))) {
    // What the business tells begins a dialog only where its first state takes it.
    if (from === null && happening.kind === 'business' && outcome.took.length === 0) continue;
    note(on, outcome);
    const joined = before === null ? outcome : join(before, outcome);
    if (outcome.fault !== null) {
      addEdge(on, faultEdge(from, happening, joined));
      continue;
    }
    const after = bookkeep(books, outcome.actions);
    const dead = happening.kind === 'handedBack' ? stillAwaited(books, outcome.actions) : [];
    const hasBegun = before?.actions.some(({ type }) => type !== 'xstate.raise') ?? false;
    const moved = hasBegun || outcome.snapshot !== snapshot || outcome.actions.length > 0;
    // What an earlier state offered in the same breath belongs to that state's question.
    const stays = JSON.stringify(outcome.snapshot.value) === JSON.stringify(snapshot.value);
    const shown = stays ? joined.actions : outcome.actions;
    endDead(on, { from, happening, outcome: joined, books: after, moved, shown }, dead);
  }
}

/** A person took over, which ended what ran: where the dialog still waits for it, it is told that it failed. */
function endDead(on: Exploration, arrival: Arrival, [invokeId, ...others]: readonly string[]): void {
  if (invokeId === undefined) {
    arrive(on, arrival);
    return;
  }
  const { from, happening, outcome: before, books } = arrival;
  const failure = failureOf(invokeId, books.running[invokeId] ?? '', 'otherwise');
  const rest = { ...books, running: without(books.running, invokeId) };
  for (const outcome of outcomesOf(on, on.ways.step(before.snapshot, failure.event, failure.facts))) {
    note(on, outcome);
    const joined = join(before, outcome);
    if (outcome.fault !== null) addEdge(on, faultEdge(from, happening, joined));
    else {
      const left = others.filter((id) => stillAwaited(rest, outcome.actions).includes(id));
      const after = bookkeep(rest, outcome.actions);
      endDead(
        on,
        { from, happening, outcome: joined, books: after, moved: true, shown: outcome.actions },
        left,
      );
    }
  }
}

function join(first: Outcome, second: Outcome): Outcome {
  return {
    ...second,
    actions: [...first.actions, ...second.actions],
    took: [...first.took, ...second.took],
    given: [...first.given, ...second.given],
  };
}

function outcomesOf(on: Exploration, { outcomes, cut }: Step): Outcome[] {
  on.steps += outcomes.length;
  if (cut) on.bounds.add('the combinations of guards of one step');
  return outcomes;
}

function note(on: Exploration, { took, entered, given }: Outcome): void {
  for (const index of took) on.took.add(index);
  for (const id of entered) on.entered.add(id);
  for (const { guard, assumed } of given) if (assumed !== undefined) on.assumptions.set(assumed, guard);
}

interface Arrival {
  from: Configuration | null;
  happening: Happening;
  outcome: Outcome;
  books: Bookkeeping;
  moved: boolean;
  /** The actions whose options stand on the screen afterwards. */
  shown: readonly ActionData[];
}

function arrive(on: Exploration, { from, happening, outcome, books, moved, shown }: Arrival): void {
  const { lines, answered, handsOff } = sayingsOf(outcome.actions);
  const { options, isUnseen } = sayingsOf(shown);
  const isUnexpected = !moved && happening.wantsAnswer;
  const starts = outcome.actions.flatMap(({ type, params }) =>
    type === 'xstate.spawnChild' ? [String((params as { src: unknown }).src)] : [],
  );
  // What has just ended runs no more.
  const stillRuns = Object.values(without(from?.running ?? {}, happening.invokeId ?? ''));
  // Words that go with a start are not said where a limit refuses it.
  const owedBefore = happening.wantsAnswer || happening.failure === 'limitRefused' || (from?.owed ?? false);
  const isHeard = answered || isUnexpected || happening.kind === 'handedBack';
  const to = reach(on, outcome.snapshot, {
    ...books,
    held: handsOff,
    owed: owedBefore && !isHeard,
    settled: happening.kind === 'drained' || !on.hearsDrained,
  });
  const edge: Edge = {
    from,
    to,
    happening,
    given: outcome.given,
    said: isUnexpected ? unexpectedLines(on.dialog) : lines,
    starts,
    startsAgain: starts.filter((name) => stillRuns.includes(name)),
    moved,
    answered,
    took: outcome.took,
    fault: null,
  };
  if (!wasKnown(on, to)) to.cameBy = edge;
  offer(on, { from, to, edge, options });
  if (isUnseen && declaredAt(on, to) === undefined) on.unseenOffers.add(to.label);
  addEdge(on, edge);
}

/** Until an edge is kept for it, a configuration is new. */
const wasKnown = (on: Exploration, { key }: Configuration) => on.offered.has(key);

function reach(
  on: Exploration,
  snapshot: AnyMachineSnapshot,
  facts: Pick<Configuration, 'running' | 'timers' | 'held' | 'owed' | 'settled'>,
): Configuration {
  const isFinal = snapshot.status === 'done';
  const place = isFinal ? 'the end' : placeOf(snapshot, facts);
  const bits = [facts.held, facts.owed, facts.settled].map(Number).join('');
  const key = isFinal ? `the end ${bits}` : `${place} ${Object.keys(facts.timers).sort().join()} ${bits}`;
  const known = on.configurations.get(key);
  if (known !== undefined) return known;
  const label = isFinal ? 'the end' : labelOfValue(snapshot.value);
  const made = { key, label, place, snapshot, isFinal, cameBy: null, ...facts };
  on.configurations.set(key, made);
  on.queue.push(made);
  return made;
}

/** Options that the active states declare; undefined where none of them says anything. */
function declaredAt({ ways }: Exploration, { snapshot }: Configuration): readonly string[] | undefined {
  const active = ways.nodes.filter((node) => (snapshot as { _nodes?: unknown[] })._nodes?.includes(node));
  const told = active.flatMap((node) => metaOf(node).options ?? []);
  return active.some((node) => metaOf(node).options !== undefined) ? told : undefined;
}

/** What stands on the screen: options that the step said, or that the active states declare, or that were there before. */
function offer(
  on: Exploration,
  {
    from,
    to,
    edge,
    options,
  }: { from: Configuration | null; to: Configuration; edge: Edge; options: string[] },
): void {
  const declared = declaredAt(on, to) ?? [];
  const stays = from !== null && from.place === to.place && options.length === 0;
  const before = stays ? [...(on.offered.get(from.key) ?? [])] : [];
  const known = on.offered.get(to.key) ?? new Map<string, Edge | null>();
  const size = known.size;
  for (const [option, by] of before) if (!known.has(option)) known.set(option, by);
  for (const option of [...options, ...declared]) if (!known.has(option)) known.set(option, edge);
  const isNew = !on.offered.has(to.key);
  on.offered.set(to.key, known);
  // Found after its configuration was explored: it is explored again, for the new options.
  if (!isNew && known.size > size && !on.queue.includes(to)) on.queue.push(to);
}

function addEdge(on: Exploration, edge: Edge): void {
  const key = edge.from?.key ?? '';
  const others = on.edgesFrom.get(key) ?? [];
  const same = others.find((each) => isSame(each, edge));
  if (same !== undefined) return;
  others.push(edge);
  on.edgesFrom.set(key, others);
  on.edges.push(edge);
}

function faultEdge(from: Configuration | null, happening: Happening, outcome: Outcome): Edge {
  return {
    from,
    to: null,
    happening,
    given: outcome.given,
    said: [`Bot: ${defaultTexts.fallback}`, '(a person is asked: deadLetter)'],
    starts: [],
    startsAgain: [],
    moved: true,
    answered: true,
    took: outcome.took,
    fault: `${outcome.fault?.code}: ${outcome.fault?.says}`,
  };
}

function unexpectedLines(dialog: Dialog): string[] {
  try {
    const text = dialog.unexpectedText?.({});
    if (text !== undefined) return [`Bot: ${text}`];
  } catch {
    return ['Bot: (its unexpected text)'];
  }
  return [`Bot: ${defaultTexts.fallback}`, '(a person is asked: unexpected)'];
}

/**
 * A dialog's machine, prepared for the checker: run by XState's own rules, with each guard taken both ways. One step
 * gives all outcomes that some combination of guards leads to. Within a microstep a guard has one answer; in the next it
 * may have another, since the context may have changed. The machine of the dialog itself is never touched: a second one
 * is made from the same configuration and its nodes are patched.
 */
import {
  type AnyActorLogic,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  fromPromise,
  initialTransition,
  transition,
} from 'xstate';
import { messageOf } from '../../model/faults.ts';
import type { Dialog } from '../dialog.ts';
import { type Answers, createAnswers, Endless, type Given } from './answers.ts';
import type { Facts } from './known.ts';
import { type SafeNotes, safeAction } from './safe-actions.ts';

/** A transition as the author wrote it. */
export interface WrittenTransition {
  index: number;
  source: AnyStateNode;
  /** Empty for `always`. */
  event: string;
  target: readonly AnyStateNode[];
  guard: string | null;
  /** Its place among the candidates of its state and event. */
  place: number;
}

export interface ActionData {
  type: string;
  params: unknown;
}

export interface Outcome {
  snapshot: AnyMachineSnapshot;
  /** What became effects at run time, in order. */
  actions: ActionData[];
  took: number[];
  entered: string[];
  given: Given[];
  /** What the dialog would throw: an error that it does not handle, an endless loop, or a fault of its functions. */
  fault: { code: 'unhandled' | 'endless' | 'threw'; says: string } | null;
}

export interface Step {
  outcomes: Outcome[];
  /** Not all combinations were followed. */
  cut: boolean;
}

export interface BothWays {
  machine: AnyStateMachine;
  nodes: readonly AnyStateNode[];
  transitions: readonly WrittenTransition[];
  notes: SafeNotes;
  begin(facts: Facts): Step;
  step(snapshot: AnyMachineSnapshot, event: AnyEventObject, facts: Facts): Step;
}

/** Combinations of guards that one step may have before the checker stops and says so. */
const outcomesMax = 600;
/** Microsteps of one step; more is a loop of transitions that need no event. */
const microstepsMax = 60;

const took = 'nightdesk.took';
const entered = 'nightdesk.entered';

export function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((child) => nodesOf(child as AnyStateNode))];
}

export function bothWays(dialog: Dialog): BothWays {
  const original = dialog.machine;
  const notes: SafeNotes = { decided: new Set() };
  const answers = createAnswers(original);
  const never = fromPromise(() => new Promise(() => {})) as AnyActorLogic;
  const named = Object.entries(original.implementations.actions).map(([name, action]) => [
    name,
    safeAction(action, answers, notes),
  ]);
  const machine = original.provide({
    actions: Object.fromEntries(named),
    actors: Object.fromEntries(Object.keys(original.implementations.actors).map((name) => [name, never])),
  } as never) as AnyStateMachine;
  machine.options = { ...machine.options, maxIterations: microstepsMax };
  const nodes = nodesOf(machine.root);
  const transitions = patch(nodes, answers, notes);
  const all = (run: () => readonly [unknown, readonly unknown[]], facts: Facts) =>
    combine(answers, facts, run);
  return {
    machine,
    nodes,
    transitions,
    notes,
    begin: (facts) => all(() => initialTransition(machine) as never, facts),
    step: (snapshot, event, facts) => all(() => transition(machine, snapshot, event) as never, facts),
  };
}

interface RawTransition {
  actions: readonly unknown[];
  guard?: unknown;
  target?: readonly AnyStateNode[];
  source: AnyStateNode;
}

/** Puts our guard, our marks and safe actions into every node; returns the transitions as they were written. */
function patch(nodes: readonly AnyStateNode[], answers: Answers, notes: SafeNotes): WrittenTransition[] {
  const written: WrittenTransition[] = [];
  const safe = (actions: readonly unknown[]) => actions.map((action) => safeAction(action, answers, notes));
  const patchTransition = (raw: RawTransition, event: string, place: number) => {
    const index = written.length;
    const guard = raw.guard === undefined ? null : answers.nameOf(raw.guard);
    written.push({ index, source: raw.source, event, target: raw.target ?? [], guard, place });
    raw.guard = answers.guard(raw.guard);
    raw.actions = [{ type: took, params: { index } }, ...safe(raw.actions)];
  };
  for (const node of nodes) {
    for (const [event, candidates] of node.transitions)
      candidates.forEach((each, place) => {
        patchTransition(each as unknown as RawTransition, event, place);
      });
    (node.always ?? []).forEach((each, place) => {
      patchTransition(each as unknown as RawTransition, '', place);
    });
    const open = node as unknown as { entry: unknown[]; exit: unknown[]; output?: unknown };
    open.entry = [{ type: entered, params: { id: node.id } }, ...safe(open.entry)];
    open.exit = safe(open.exit);
    delete open.output;
    if (node.type === 'compound') {
      const initial = node.initial as unknown as { actions: unknown[] };
      initial.actions = safe(initial.actions);
    }
    for (const invoke of node.invoke as unknown as { input?: unknown }[]) delete invoke.input;
  }
  return written;
}

/** Runs once for each combination of answers, the ones that follow from what is asked on the way. */
function combine(answers: Answers, facts: Facts, run: () => readonly [unknown, readonly unknown[]]): Step {
  const outcomes: Outcome[] = [];
  const open: boolean[][] = [[]];
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    if (outcomes.length >= outcomesMax) return { outcomes, cut: true };
    answers.ask(facts, prefix);
    const outcome = runOnce(run);
    const { given, decided, endless } = answers.told();
    for (let i = prefix.length; i < decided.length; i += 1)
      open.push([...decided.slice(0, i), !(decided[i] ?? false)]);
    if (endless) continue;
    if (outcome !== null) outcomes.push({ ...outcome, given });
  }
  return { outcomes, cut: false };
}

function runOnce(run: () => readonly [unknown, readonly unknown[]]): Omit<Outcome, 'given'> | null {
  let result: readonly [unknown, readonly unknown[]];
  try {
    result = run();
  } catch (error) {
    const says = messageOf(error);
    if (error instanceof Endless || says.includes(Endless.words)) return null;
    const code = says.includes('Infinite loop detected') ? 'endless' : 'threw';
    return { snapshot: null as never, actions: [], took: [], entered: [], fault: { code, says } };
  }
  const snapshot = result[0] as AnyMachineSnapshot;
  const actions = result[1] as ActionData[];
  const params = (type: string) => actions.filter((each) => each.type === type).map((each) => each.params);
  return {
    snapshot,
    actions: actions.filter(({ type }) => type !== took && type !== entered),
    took: params(took).map((each) => (each as { index: number }).index),
    entered: params(entered).map((each) => (each as { id: string }).id),
    fault:
      snapshot.status === 'error'
        ? { code: 'unhandled', says: messageOf((snapshot as { error?: unknown }).error) }
        : null,
  };
}

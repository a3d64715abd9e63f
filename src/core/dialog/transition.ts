/**
 * One transition of a machine that is never started: the next snapshot, and the actions as data. XState's own functions for it make an
 * actor of the machine at each call, which runs the machine's whole beginning only to be thrown away: a third of what a turn costs.
 * Here an actor without a beginning stands for the machine. It is a new one each time, since a child's `systemId` is taken once in a system.
 */
import {
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  createActor,
  fromCallback,
} from 'xstate';
import type { Dialog } from './dialog.ts';

export interface Transitioned {
  snapshot: AnyMachineSnapshot;
  actions: readonly unknown[];
}

const nobody = fromCallback(() => {});

/** The first snapshot and what is done on the way to it. */
export function firstTransition({ machine }: Pick<Dialog, 'machine'>): Transitioned {
  return transitioned((scope) => machine.getInitialSnapshot(scope, undefined));
}

export function nextTransition(
  { machine }: Pick<Dialog, 'machine'>,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
): Transitioned {
  return transitioned((scope) => machine.transition(snapshot, event, scope));
}

function transitioned(run: (scope: AnyActorScope) => AnyMachineSnapshot): Transitioned {
  const actions: unknown[] = [];
  const self = createActor(nobody);
  const scope: AnyActorScope = {
    self,
    id: '',
    sessionId: '',
    system: self.system,
    actionExecutor: (action) => void actions.push(action),
    defer() {},
    emit() {},
    logger() {},
    stopChild() {},
  };
  return { snapshot: run(scope), actions };
}

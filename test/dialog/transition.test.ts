import { describe, expect, test } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  assign,
  fromPromise,
  initialTransition,
  setup,
  transition,
} from 'xstate';
import { firstTransition, nextTransition } from '#core/dialog/transition.ts';

let begun = 0;

const machine = setup({
  types: { context: {} as { told: number } },
  actors: { work: fromPromise(() => Promise.resolve(1)) },
  actions: { say: () => {}, note: assign(({ context }) => ({ told: context.told + 1 })) },
  delays: { soon: 5_000 },
}).createMachine({
  context: () => {
    begun += 1;
    return { told: 0 };
  },
  initial: 'idle',
  entry: 'say',
  states: {
    idle: { after: { soon: 'working' }, on: { text: { target: 'working', actions: ['note', 'say'] } } },
    working: { invoke: { src: 'work', id: 'work', systemId: 'worker' }, on: { text: 'idle' } },
  },
});

/** What a turn reads of an action; the rest holds the actor that stood for the machine. */
function shown(actions: readonly unknown[]) {
  return actions.map((action) => {
    const { type, params } = action as { type: string; params?: { id?: unknown; delay?: unknown } };
    return { type, id: params?.id, delay: params?.delay };
  });
}

const stored = (snapshot: AnyMachineSnapshot): unknown =>
  JSON.parse(JSON.stringify((machine as AnyStateMachine).getPersistedSnapshot(snapshot)));

describe('a transition', () => {
  test('is the one of XState: the same snapshots, the same actions', () => {
    let ours = firstTransition({ machine });
    let [theirs, actions]: [AnyMachineSnapshot, readonly unknown[]] = initialTransition(machine);
    const compare = () => {
      expect(shown(ours.actions)).toEqual(shown(actions));
      expect(stored(ours.snapshot)).toEqual(stored(theirs));
    };
    compare();
    for (const type of ['text', 'text', 'xstate.after.soon.(machine).idle', 'unknown']) {
      ours = nextTransition({ machine }, ours.snapshot, { type });
      [theirs, actions] = transition(machine as AnyStateMachine, theirs, { type });
      compare();
    }
    expect(ours.snapshot.value).toBe('working');
  });

  test('runs the beginning of its machine once where it begins, and never again', () => {
    begun = 0;
    const { snapshot } = firstTransition({ machine });
    expect(begun).toBe(1);
    nextTransition({ machine }, snapshot, { type: 'text' });
    expect(begun).toBe(1);
  });

  test('gives a child its system name each time anew', () => {
    for (let times = 0; times < 2; times += 1) {
      const { snapshot } = nextTransition({ machine }, firstTransition({ machine }).snapshot, {
        type: 'text',
      });
      expect(snapshot.status).toBe('active');
      expect(Object.keys(snapshot.children)).toEqual(['work']);
    }
  });
});

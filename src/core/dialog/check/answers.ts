/**
 * What guards answer while the checker runs a step: the truth where it follows from the known facts, "yes" for an
 * assumption, else the next answer of the list that is being tried. The same guard is not asked twice in one microstep,
 * so two branches can rely on one answer; `and`, `or`, `not` and `stateIn` are computed from their parts.
 */
import { type AnyMachineSnapshot, type AnyStateMachine, and, not, or, stateIn } from 'xstate';
import { assumptionOf } from './assumed.ts';
import { type Facts, known, type Verdict } from './known.ts';

export interface Given {
  guard: string;
  answer: boolean;
  /** The name of the assumption that it is. */
  assumed?: string;
}

/** A guard that has said "yes" so often in one step that the rest of the loop tells nothing new. */
export class Endless extends Error {
  static readonly words = 'nightdesk.check: the loop is not followed further';

  constructor() {
    super(Endless.words);
  }
}

export interface Answers {
  /** The guard that stands in a transition instead of the written one. */
  guard(written: unknown): unknown;
  nameOf(written: unknown): string;
  /** One guard that is asked out of turn. */
  evaluate(written: unknown, moment: object): boolean;
  ask(facts: Facts, prefix: readonly boolean[]): void;
  told(): { given: Given[]; decided: boolean[]; endless: boolean };
}

/** How often a loop of `always` transitions is followed by one guard. */
const loopsMax = 3;

interface Compound {
  check?: unknown;
  guards?: readonly unknown[];
}
type Check = (snapshot: unknown, args: unknown, guard: unknown) => boolean;

const checkOf = (guard: unknown) => (guard as Compound).check;
const andCheck = checkOf(and([]));
const orCheck = checkOf(or([]));
const notCheck = checkOf(not(() => true));
const stateInCheck = checkOf(stateIn('any'));

interface Trial {
  facts: Facts;
  prefix: readonly boolean[];
  decided: boolean[];
  given: Given[];
  yeses: Map<string, number>;
  asked: Map<object, Map<string, boolean>>;
  endless: boolean;
}

export function createAnswers(machine: AnyStateMachine): Answers {
  let trial: Trial | null = null;
  const ids = new Map<unknown, number>();
  const idOf = (leaf: unknown) => {
    if (!ids.has(leaf)) ids.set(leaf, ids.size);
    return String(ids.get(leaf));
  };
  const current = (): Trial => {
    if (trial === null) throw new Error('A guard was asked outside of a step of the checker.');
    return trial;
  };

  function decide(id: string, name: string, moment: object): boolean {
    const now = current();
    const before = now.asked.get(moment) ?? new Map<string, boolean>();
    now.asked.set(moment, before);
    const earlier = before.get(id);
    if (earlier !== undefined) return earlier;
    const answer = now.prefix[now.decided.length] ?? false;
    now.decided.push(answer);
    now.given.push({ guard: name, answer });
    before.set(id, answer);
    if (answer) {
      const yeses = (now.yeses.get(id) ?? 0) + 1;
      now.yeses.set(id, yeses);
      if (yeses > loopsMax) {
        now.endless = true;
        throw new Endless();
      }
    }
    return answer;
  }

  function leaf(
    guard: (args: unknown, params: unknown) => boolean,
    written: unknown,
    moment: object,
  ): boolean {
    const assumption = assumptionOf(guard);
    if (assumption !== null) {
      current().given.push({ guard: nameOf(written), answer: true, assumed: assumption });
      return true;
    }
    let params: unknown;
    const verdict: Verdict = known(current().facts, (args) => {
      params = paramsOf(written, args);
      return Boolean(guard(args, params));
    });
    if (verdict !== 'either') return verdict;
    return decide(`${idOf(guard)} ${JSON.stringify(params) ?? ''}`, nameOf(written), moment);
  }

  function evaluate(written: unknown, moment: object): boolean {
    if (written === undefined) return true;
    const resolved = resolve(written);
    if (typeof resolved !== 'function') return evaluate(resolved, moment);
    const { check, guards = [] } = resolved as Compound;
    if (check === undefined)
      return leaf(resolved as (args: unknown, params: unknown) => boolean, written, moment);
    if (check === andCheck) return guards.every((each) => evaluate(each, moment));
    if (check === orCheck) return guards.some((each) => evaluate(each, moment));
    if (check === notCheck) return !evaluate(guards[0], moment);
    if (check === stateInCheck && 'machine' in moment)
      return (check as Check)(moment as AnyMachineSnapshot, {}, resolved);
    return decide(idOf(resolved), nameOf(written), moment);
  }

  /** @throws Error where the machine has no such guard, as it would at run time */
  function resolve(written: unknown): unknown {
    if (typeof written === 'function') return written;
    const name = typeof written === 'string' ? written : String((written as { type: unknown }).type);
    const found = machine.implementations.guards[name] as unknown;
    if (found === undefined)
      throw new Error(`The guard "${name}" is not implemented. Give it to setup({ guards }).`);
    return found;
  }

  return {
    guard(written) {
      const stand = () => true;
      const check: Check = (snapshot) => evaluate(written, snapshot as object);
      return Object.assign(stand, { check });
    },
    nameOf,
    evaluate,
    ask(facts, prefix) {
      const fresh = { decided: [], given: [], yeses: new Map(), asked: new Map() };
      trial = { facts, prefix, ...fresh, endless: false };
    },
    told: () => {
      const { given, decided, endless } = current();
      return { given, decided, endless };
    },
  };
}

function paramsOf(written: unknown, args: { context: object; event: object }): unknown {
  if (typeof written !== 'object' || written === null) return undefined;
  const { params } = written as { params?: unknown };
  return typeof params === 'function' ? (params as (args: unknown) => unknown)(args) : params;
}

function nameOf(written: unknown): string {
  if (typeof written === 'string') return written;
  if (typeof written === 'function') {
    const { guards } = written as Compound;
    const assumption = assumptionOf(written);
    if (assumption !== null) return assumption;
    const name = written.name === '' || written.name === 'guard' ? 'a guard without a name' : written.name;
    return guards === undefined ? name : `${name}(${guards.map(nameOf).join(', ')})`;
  }
  const { type, params } = (written ?? {}) as { type?: unknown; params?: unknown };
  const given = params === undefined || typeof params === 'function' ? '' : ` ${JSON.stringify(params)}`;
  return `${String(type)}${given}`;
}

/**
 * Asks a guard about an event of which only some facts are known: its type, the option that was tapped, the code of a
 * fault. A guard that reads nothing else has one answer, and the checker uses it. One that looks at the context, the
 * words of a customer, the time or the settings may say either, so the checker takes it both ways.
 */

/** Stands in the facts for a value that is there, and that nobody knows. */
export const anything: unique symbol = Symbol('anything');

/** What is known of an event. A key that is missing in it is unknown, unless it is listed as absent. */
export interface Facts {
  is: Readonly<Record<string, unknown>>;
  /** Fields that an event of this kind never has. */
  absent: ReadonlySet<string>;
}

export type Verdict = boolean | 'either';

/** Thrown to end a question; one object, since a stack for each would take most of the time of a check. */
const readUnknown = new Error('A guard looked at something unknown.');

const nothingAbsent: ReadonlySet<string> = new Set();

/** A view of the facts that tells when something unknown is looked at. */
function viewOf(
  facts: Readonly<Record<string, unknown>>,
  absent: ReadonlySet<string>,
  onUnknown: () => never,
) {
  return new Proxy(
    {},
    {
      get(_, key): unknown {
        if (typeof key !== 'string') return onUnknown();
        if (absent.has(key)) return undefined;
        const value = Object.hasOwn(facts, key) ? facts[key] : anything;
        if (value === anything) return onUnknown();
        return typeof value === 'object' && value !== null
          ? viewOf(value as Record<string, unknown>, nothingAbsent, onUnknown)
          : value;
      },
      has(_, key): boolean {
        if (typeof key === 'string' && absent.has(key)) return false;
        return typeof key === 'string' && Object.hasOwn(facts, key) ? true : onUnknown();
      },
      ownKeys: onUnknown,
      getOwnPropertyDescriptor: onUnknown,
    },
  );
}

/** Runs `question` with views of context and event; `either` where its answer rests on something unknown. */
export function known<T>(
  facts: Facts,
  question: (args: { context: object; event: object }) => T,
): T | 'either' {
  let looked = false;
  const onUnknown = (): never => {
    looked = true;
    throw readUnknown;
  };
  try {
    const answer = question({
      context: viewOf({}, nothingAbsent, onUnknown),
      event: viewOf(facts.is, facts.absent, onUnknown),
    });
    return looked ? 'either' : answer;
  } catch {
    return 'either';
  }
}

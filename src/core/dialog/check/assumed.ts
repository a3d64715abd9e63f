/**
 * Assumptions of an author about a guard. The checker takes every guard both ways, since it knows no customer's words and
 * no context; where one of the two cannot happen, the author says so by name. The checker then follows only "true" and
 * lists the assumption in its report. At run time a false one throws: the event becomes a dead letter with a fallback text
 * and a flag, so a wrong assumption is heard of and never met with silence.
 */

type Guard<Args, Params> = (args: Args, params: Params) => boolean;

const names = new WeakMap<object, string>();

/** Wraps a guard that always holds where it is asked. @throws Error at run time where it does not */
export function assumed<Args, Params>(name: string, guard: Guard<Args, Params>): Guard<Args, Params> {
  const wrapped: Guard<Args, Params> = (args, params) => {
    if (guard(args, params)) return true;
    throw new Error(
      `The assumption "${name}" does not hold. nightdesk check relied on it; give the dialog a branch for the other case and take the assumption away.`,
    );
  };
  names.set(wrapped, name);
  return wrapped;
}

/** The name of the assumption, or null where the guard is none. */
export function assumptionOf(guard: unknown): string | null {
  return typeof guard === 'function' ? (names.get(guard) ?? null) : null;
}

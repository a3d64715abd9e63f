/**
 * Whether each start can have a cause of its own. A turn may hear several messages, so a start has several possible
 * causes; what is asked is whether they can be given out so that none is used twice (a matching, by augmenting paths).
 */
export interface Start {
  id: string;
  causes: readonly string[];
}

/** The starts for which no cause is left. */
export function withoutCause(starts: readonly Start[]): string[] {
  const takenBy = new Map<string, Start>();
  const give = (start: Start, tried: Set<string>): boolean => {
    for (const cause of start.causes) {
      if (tried.has(cause)) continue;
      tried.add(cause);
      const owner = takenBy.get(cause);
      if (owner !== undefined && !give(owner, tried)) continue;
      takenBy.set(cause, start);
      return true;
    }
    return false;
  };
  return starts.filter((start) => !give(start, new Set())).map(({ id }) => id);
}

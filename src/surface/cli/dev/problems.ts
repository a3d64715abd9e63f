/**
 * What is wrong with the bot's files now: a configuration that cannot be used, types that do not fit. Each source replaces
 * what it said before, so what was mended is gone. The terminal is told by whoever finds a problem; the phone page reads them here.
 */
export type ProblemSource = 'config' | 'types' | 'server';

export interface Problem {
  source: ProblemSource;
  text: string;
  /** From the project's folder. */
  file: string | null;
  line: number | null;
}

export class Problems {
  readonly #bySource = new Map<ProblemSource, readonly Problem[]>();
  #tell = (): void => {};

  /** Who is told that there are others now. */
  onChange(listener: () => void): void {
    this.#tell = listener;
  }

  set(source: ProblemSource, problems: readonly Omit<Problem, 'source'>[]): void {
    this.#bySource.set(
      source,
      problems.map((problem) => ({ source, ...problem })),
    );
    this.#tell();
  }

  clear(source: ProblemSource): void {
    this.#bySource.delete(source);
    this.#tell();
  }

  of(source: ProblemSource): readonly Problem[] {
    return this.#bySource.get(source) ?? [];
  }

  /** The worst first: with a bad configuration nothing else counts. */
  current(): readonly Problem[] {
    return (['config', 'server', 'types'] as const).flatMap((source) => this.of(source));
  }
}

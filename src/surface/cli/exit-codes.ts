/**
 * Exit codes are a contract with scripts: 0 done, 1 a check found something, 2 bad use or configuration, 3 the work
 * itself failed. `docs/reference/cli.md` lists them.
 */
import { framesOf, isFault, KnownError, outlineOf } from '#core/model/faults.ts';
import { BadConfig } from '#runtime/config.ts';
import { PostgresRefused, StoreRefused } from '#runtime/database.ts';

export const exitCodes = { ok: 0, found: 1, badUse: 2, failed: 3 } as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof BadConfig || error instanceof StoreRefused || error instanceof PostgresRefused)
    return exitCodes.badUse;
  if (isFault(error) && ['badRequest', 'notFound', 'conflict'].includes(error.code)) return exitCodes.badUse;
  return exitCodes.failed;
}

/** What a person should read: the message of what we know, the places of what is a bug, whose words may be a customer's. */
export function explain(error: unknown): string {
  const frames = error instanceof Error && !(error instanceof KnownError) ? framesOf(error) : [];
  return [outlineOf(error), ...frames.map((frame) => `    at ${frame}`)].join('\n');
}

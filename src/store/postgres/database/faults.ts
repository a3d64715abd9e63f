/**
 * Sorts what Postgres and its connection say: faults of the world become faults, what our own functions refuse becomes the
 * fault they name, the rest are bugs and stay what they are. To let a function refuse something, raise one of `refusals`.
 */
import { Fault, type FaultCode, KnownError, messageOf } from '#core/model/faults.ts';

/** What a function raises with `USING ERRCODE`; its message is the fault's. */
const refusals: Readonly<Record<string, FaultCode>> = {
  ND400: 'badData',
  ND404: 'notFound',
  ND409: 'conflict',
};

/** Serialization failure and deadlock: nothing was committed, and the same again may well succeed. */
const retriable: ReadonlySet<string> = new Set(['40001', '40P01']);

/**
 * Connection faults, no more connections or memory, an operator's stop, a cluster that is starting or only reads, a lock or a
 * statement that took too long, a disk that is full: it may pass, and the message stays with Meta.
 */
const worldlyClasses: readonly string[] = ['08', '53', '57', '58', '55', '25', 'XX'];

/** Data exceptions and a CHECK or NOT NULL; a unique key that is taken is a bug of ours. */
const dataClasses: readonly string[] = ['22'];
const dataConstraints: ReadonlySet<string> = new Set(['23502', '23514', '54000', '54001']);

/** A refusal to open: says what happened, what it means and what to do. */
export class PostgresRefused extends KnownError {
  override readonly name = 'PostgresRefused';
  readonly reason: 'newer' | 'tooOld';

  constructor(reason: PostgresRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whether the same statement may simply be run again: it is certain that nothing of it was committed. */
export function isRetriable(error: unknown): boolean {
  return retriable.has(codeOf(error) ?? '');
}

/** Whether another member of a group may be what this one failed of, so that it should be tried alone. */
export function isOfOneMember(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && isState(code) && !isWorldly(code);
}

export function faultOf(error: unknown): unknown {
  if (error instanceof KnownError) return error;
  const code = codeOf(error);
  if (code === undefined || !isState(code)) return isOfConnection(error) ? unavailable(error) : error;
  const refusal = refusals[code];
  if (refusal !== undefined) return new Fault(refusal, messageOf(error));
  if (isWorldly(code) || retriable.has(code)) return unavailable(error);
  if (dataClasses.includes(code.slice(0, 2)) || dataConstraints.has(code))
    return new Fault('badData', `The database refuses this data (SQLSTATE ${code}).`, { cause: error });
  return error;
}

const isState = (code: string) => /^[0-9A-Z]{5}$/.test(code);
const isWorldly = (code: string) => worldlyClasses.includes(code.slice(0, 2));

/** The library has no kind of its own for these; all that it says of a connection has a system's code or is one of its sentences. */
function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  if (code !== undefined && /^E[A-Z_]+$/.test(code)) return true;
  return /connection|timeout|terminat|not queryable|client was closed/i.test(error.message);
}

function unavailable(error: unknown): Fault {
  const code = codeOf(error);
  return new Fault(
    'storeUnavailable',
    `The database cannot be used now (${code ?? 'the connection was lost'}). Whether this was stored is not known; it can be tried again. Check that Postgres runs and can be reached.`,
    { cause: error },
  );
}

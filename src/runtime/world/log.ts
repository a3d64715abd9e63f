/**
 * The log: JSON lines for machines, or one readable line each for a person at a terminal. Two things are promised.
 * A value under a name that smells of a secret never leaves (`redact`), and an error is reduced to its name, code and
 * places, because libraries hang whole requests, with keys and customers' words, on their errors; the message of an
 * error of this project says nothing of either and is kept.
 *
 * Lines are written without waiting: a reader that stalls must not stall the bot. Beyond `waitingBytesMax` lines are
 * dropped, which is the only place where this project drops anything. To hide another name, add it to `secretName`.
 */
import { destination as openDestination, pino } from 'pino';
import { codeOf, framesOf, kindOf, outlineOf } from '#core/model/faults.ts';
import type { Log } from '#core/ports/world.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  level: LogLevel;
  /** Lines for a person instead of JSON. */
  pretty?: boolean;
  /** Takes whole lines, the line end included; standard output if absent. */
  write?: (line: string) => void;
}

export interface ClosableLog extends Log {
  /** Writes what still waits. Call it last, also before an exit. */
  close(): void;
}

const waitingBytesMax = 8 * 1024 * 1024;

export function isLogLevel(value: string): value is LogLevel {
  return (logLevels as readonly string[]).includes(value);
}

export function createLog({ level, pretty = false, write }: LogOptions): ClosableLog {
  const out = write === undefined ? openStandardOutput() : { write, flushSync() {} };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: (fields) => redactFields(fields) },
      // Pino's own treatment of `err` would run after ours and blur it.
      serializers: { err: (shown: unknown) => shown },
    },
    pretty ? { write: (line: string) => out.write(prettyLine(line)) } : out,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    close: () => out.flushSync(),
  };
}

function openStandardOutput(): { write(line: string): void; flushSync(): void } {
  const stream = openDestination({ fd: 1, sync: false, maxLength: waitingBytesMax });
  // A reader that is gone (`nightdesk start | head`) must not end the bot.
  stream.on('error', () => {});
  return {
    write: (line) => void stream.write(line),
    flushSync() {
      try {
        stream.flushSync();
      } catch {
        // Not open yet, or nobody reads: there is nothing left to tell anyone.
      }
    },
  };
}

// --- redaction ----------------------------------------------------------------------------------------------------

const secretName =
  /token|secret|password|passphrase|authorization|cookie|credential|api[-_]?key|private[-_]?key/i;
const depthMax = 6;
const hidden = '[hidden]';

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) shown[name] = redact(name, value, 0);
  return shown;
}

/** Numbers pass under any name: `inputTokens` is a count. */
function redact(name: string, value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === undefined) return undefined;
  if (secretName.test(name)) return hidden;
  if (typeof value !== 'object') return value;
  if (depth >= depthMax) return '[deeper]';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((item) => redact(name, item, depth + 1));
  const shown: Record<string, unknown> = {};
  for (const [inner, each] of Object.entries(value)) shown[inner] = redact(inner, each, depth + 1);
  return shown;
}

/** The message of a foreign error may quote what a customer wrote, and so may the head of its stack: its places tell enough. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const code = codeOf(error);
  return {
    name: kindOf(error),
    ...(code === undefined ? {} : { code }),
    message: outlineOf(error),
    stack: framesOf(error)
      .map((frame) => `at ${frame}`)
      .join('\n'),
    ...(error.cause === undefined ? {} : { cause: redact('cause', error.cause, depth + 1) }),
  };
}

// --- for a person -------------------------------------------------------------------------------------------------

const levelSigns: Record<string, string> = { debug: '·', info: ' ', warn: '!', error: 'x' };

/** `12:03:44.120 ! message  name=value ...`; a stack goes below, indented. */
function prettyLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const stacks: string[] = [];
  const words = Object.entries(fields).map(([name, value]) => {
    if (isErrorLike(value)) stacks.push(value.stack.replace(/^/gm, '    '));
    return `${name}=${typeof value === 'string' ? value : JSON.stringify(isErrorLike(value) ? value.message : value)}`;
  });
  const clock = String(time).slice(11, 23);
  const head =
    `${clock} ${levelSigns[String(level)] ?? ' '} ${String(msg ?? '')}  ${words.join(' ')}`.trimEnd();
  return `${[head, ...stacks].join('\n')}\n`;
}

function isErrorLike(value: unknown): value is { message: string; stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string';
}

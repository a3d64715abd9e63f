/**
 * One fault of a machine as a test: it is made, the outcome is judged, and both are written down. A fault that this
 * machine cannot make is not run: skipped where everybody sees it, with the reason, and never counted as passed.
 *
 * With FAULTS_REPORT naming a file, each fault leaves one row there: a JSON array of `FaultRow`, which documentation is
 * made from. Rows of earlier runs stay until their fault is run again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';

/** For one thing that comes in the end: a busy machine, where several of these run side by side, may need it. */
export const patienceMs = 30_000;

export interface FaultRow {
  fault: string;
  ran: boolean;
  /** Why it was not run; null where it was. */
  reason: string | null;
  /** What the server did, in a sentence; null where it was not run or did something else. */
  outcome: string | null;
}

export interface FaultOptions {
  /** What this machine lacks to make the fault; null where it lacks nothing. */
  lacks?: () => string | null;
  /** For making it and judging; two minutes if absent, which a busy machine may need. */
  timeoutMs?: number;
}

/** `run` makes the fault, throws where the server did the wrong thing, and returns what it did. */
export function fault(name: string, options: FaultOptions, run: () => Promise<string>): void {
  test.concurrent(name, { timeout: options.timeoutMs ?? 120_000 }, async (context) => {
    const lacking = options.lacks?.() ?? null;
    if (lacking !== null) {
      const reason = `this machine cannot: ${lacking}`;
      process.stderr.write(`NOT RUN  ${name}: ${reason}\n`);
      report({ fault: name, ran: false, reason, outcome: null });
      context.skip(reason);
    }
    report({ fault: name, ran: true, reason: null, outcome: null });
    const outcome = await run();
    report({ fault: name, ran: true, reason: null, outcome });
  });
}

function report(row: FaultRow): void {
  const path = process.env.FAULTS_REPORT;
  if (path === undefined || path === '') return;
  const rows = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as FaultRow[]) : [];
  const others = rows.filter(({ fault: name }) => name !== row.fault);
  writeFileSync(path, `${JSON.stringify([...others, row], null, 2)}\n`);
}

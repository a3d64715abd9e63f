/**
 * Known vulnerabilities of production packages. High and critical ones fail; where the registry gives no report the check
 * has not been made, which is neither good nor bad: exit code 75, so that it can be told as what it is.
 */
import { spawnSync } from 'node:child_process';

/** EX_TEMPFAIL: not done now, may be done later. */
const notRunExitCode = 75;
const timeoutMs = 120_000;

interface Report {
  auditReportVersion?: number;
  vulnerabilities?: Record<string, { name?: string; severity?: string; range?: string }>;
  metadata?: { vulnerabilities?: Record<string, number> };
  message?: string;
  error?: { summary?: string; code?: string };
}

export interface Verdict {
  outcome: 'passed' | 'failed' | 'notRun';
  lines: string[];
}

const failing = new Set(['high', 'critical']);

/** What `npm audit --json` said. */
export function verdictOf(output: string): Verdict {
  let report: Report;
  try {
    report = JSON.parse(output) as Report;
  } catch {
    return { outcome: 'notRun', lines: ['npm audit gave no report.'] };
  }
  const { vulnerabilities, metadata } = report;
  if (vulnerabilities === undefined || metadata?.vulnerabilities === undefined) {
    const why = report.message ?? report.error?.summary ?? report.error?.code ?? 'no report';
    return { outcome: 'notRun', lines: [`The registry gave no report: ${why}`] };
  }
  const all = Object.entries(vulnerabilities);
  const lines = all.map(([name, { severity, range }]) => `${severity}: ${name} ${range ?? ''}`.trim());
  // The counts are npm's own and must not say less than its list.
  const counted = Object.entries(metadata.vulnerabilities).some(
    ([level, count]) => failing.has(level) && count > 0,
  );
  const isBad = counted || all.some(([, { severity }]) => failing.has(severity ?? ''));
  return { outcome: isBad ? 'failed' : 'passed', lines };
}

if (process.argv[1] === import.meta.filename) {
  const options = [
    '--omit=dev',
    '--audit-level=high',
    '--json',
    '--fetch-retries=1',
    '--fetch-timeout=30000',
  ];
  const { stdout } = spawnSync('npm', ['audit', ...options], { encoding: 'utf8', timeout: timeoutMs });
  const { outcome, lines } = verdictOf(stdout ?? '');
  for (const line of lines) console.log(line);
  process.exitCode = { passed: 0, failed: 1, notRun: notRunExitCode }[outcome];
}

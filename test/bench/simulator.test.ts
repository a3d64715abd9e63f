/**
 * The bench of the simulator alone runs: a smoke run has a row for each thing that is asked of it, with Meta's rules of
 * pace and without, in which nothing was refused and nothing tried again, and a verdict for each aim. Its figures mean
 * nothing and are not looked at.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

interface Report {
  rows: { subject: string; rounds: Record<string, number>[] }[];
  aims: { name: string; reached: boolean | null }[];
}

const main = resolve(import.meta.dirname, '../../bench/main.ts');
const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];

test('a smoke run has a row for each thing asked of it and a verdict for each aim', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-simulator-bench-test-'));
  const json = join(folder, 'report.json');
  const args = [...flags, main, 'simulator', '--quick', '--json', json];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  rmSync(folder, { recursive: true, force: true });
  expect(report.rows.map(({ subject }) => subject)).toEqual([
    'webhooks, rules on',
    'sends, rules on',
    'model calls, rules on',
    'webhooks, rules off',
    'sends, rules off',
    'model calls, rules off',
  ]);
  for (const { subject, rounds } of report.rows) {
    expect(rounds).toHaveLength(1);
    expect(rounds[0]?.perSecond, subject).toBeGreaterThan(0);
    expect(rounds[0], subject).toMatchObject({ refused: 0, retriedWebhooks: 0 });
    if (subject.startsWith('sends')) expect(rounds[0]?.statusesPerAnswer).toBe(3);
  }
  expect(report.aims).toHaveLength(4);
  for (const { name, reached } of report.aims) {
    expect(reached).not.toBeNull();
    expect(stdout).toContain(name);
  }
});

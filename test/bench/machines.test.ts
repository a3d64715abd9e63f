/**
 * The benches over several processes run: smoke runs of tiny counts with one wake have a row for each contestant and a verdict for each aim. Their
 * figures mean nothing and are not looked at.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { canOwnPostgres } from '../proof/machines/own-postgres.ts';

interface Report {
  rows: { subject: string; rounds: Record<string, number>[] }[];
  aims: { name: string; figure: number; reached: boolean | null }[];
}

const main = resolve(import.meta.dirname, '../../bench/main.ts');

async function smokeRunOf(name: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-machines-test-'));
  const json = join(folder, 'report.json');
  const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, main, name, '--quick', '--wakes', 'local', '--json', json];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  rmSync(folder, { recursive: true, force: true });
  for (const { name: aim } of report.aims) expect(stdout).toContain(aim);
  return report;
}

const isHere = canOwnPostgres();

test.skipIf(!isHere)('what split roles add is told', { timeout: 120_000 }, async () => {
  const { rows, aims } = await smokeRunOf('split-roles');
  expect(rows.map(({ subject }) => subject)).toEqual(['one process, WAKE=local', 'split roles, WAKE=local']);
  for (const { rounds } of rows) expect(rounds).toMatchObject([{ messages: 20, unanswered: 0 }]);
  const [one, split] = rows.map(({ rounds: [round] }) => round?.p50Ms ?? 0);
  // The model alone takes so long.
  expect(one).toBeGreaterThanOrEqual(50);
  expect(rows[1]?.rounds[0]?.addedP50Ms).toBe((split ?? 0) - (one ?? 0));
  expect(aims.map(({ reached }) => reached)).toEqual([expect.any(Boolean), true]);
});

test.skipIf(!isHere)(
  'how long one waits beside many of another tenant is told',
  { timeout: 120_000 },
  async () => {
    const { rows, aims } = await smokeRunOf('fairness');
    expect(rows.map(({ subject }) => subject)).toEqual(['WAKE=local']);
    const { waiting = 0, besideMs = 0, aloneMs = 0, between = 0 } = rows[0]?.rounds[0] ?? {};
    expect(waiting).toBeGreaterThan(0);
    expect(between).toBeLessThan(waiting);
    expect(Math.min(aloneMs, besideMs)).toBeGreaterThanOrEqual(500);
    expect(aims).toMatchObject([{ figure: besideMs - aloneMs, reached: expect.any(Boolean) }]);
  },
);

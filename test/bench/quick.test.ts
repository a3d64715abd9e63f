/**
 * The bench runs: a smoke run of tiny counts ends well and has a row for each measure. Its figures mean nothing and are
 * not looked at. Without Redis the recipe's part is skipped, visibly; under CI that is a failure which says what to start.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Report {
  rows: { measure: string; subject: string; rounds: Record<string, number>[]; skipped?: string }[];
  aims: { name: string; reached: boolean | null }[];
}

const folder = mkdtempSync(join(tmpdir(), 'nightdesk-bench-test-'));
const reportPath = join(folder, 'report.json');
let ended: { code: number | null; stdout: string; stderr: string };
let report: Report;

beforeAll(async () => {
  const main = resolve(import.meta.dirname, '../../bench/main.ts');
  const args = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning', main];
  ended = await run(process.execPath, [...args, '--quick', '--json', reportPath]);
  // The bench's own words say what is missing and how to start it.
  expect(ended.code, ended.stderr).toBe(0);
  report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a smoke run of the bench', () => {
  test.each([
    ['acks', 'Nightdesk', 'acksPerSecond'],
    ['acks', 'bare server', 'acksPerSecond'],
    ['overhead', 'Nightdesk', 'p50Ms'],
    ['throughput', 'Nightdesk', 'answersPerSecond'],
    ['pacing', 'Nightdesk', 'answersPerSecond'],
  ])('has a row for %s of %s', (measure, subject, figure) => {
    const [round] = roundsOf(measure, subject);
    expect(round?.[figure]).toBeGreaterThan(0);
    expect(round?.unanswered ?? 0).toBe(0);
    expect(ended.stdout).toMatch(new RegExp(`^${subject} `, 'm'));
  });

  test.for(['overhead', 'throughput', 'pacing'])(
    'has a row for %s of the usual recipe',
    (measure, context) => {
      const row = rowOf(measure, 'usual recipe');
      expect(ended.stdout).toMatch(/^usual recipe /m);
      if (row?.skipped !== undefined) context.skip(row.skipped);
      expect(row?.rounds).toHaveLength(1);
      expect(row?.rounds[0]?.unanswered ?? 0).toBe(0);
    },
  );

  test('says of each aim whether it was reached', () => {
    expect(report.aims).toHaveLength(4);
    for (const { name } of report.aims) expect(ended.stdout).toContain(name);
  });
});

const rowOf = (measure: string, subject: string) =>
  report.rows.find((row) => row.measure === measure && row.subject === subject);
const roundsOf = (measure: string, subject: string) => rowOf(measure, subject)?.rounds ?? [];

function run(command: string, args: string[]): Promise<typeof ended> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output.stderr += chunk.toString();
    });
    child.once('close', (code) => done({ code, ...output }));
  });
}

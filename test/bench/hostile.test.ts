/**
 * The bench of hostile bodies runs: a smoke run has a row for each body and a verdict for each aim. Its figures mean
 * nothing and are not looked at; that each body gets the right answer is checked by the bench itself.
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

test('a smoke run has a row and two aims for each body', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-hostile-test-'));
  const json = join(folder, 'report.json');
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...flags,
    main,
    'hostile',
    '--quick',
    '--json',
    json,
  ]);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  rmSync(folder, { recursive: true, force: true });
  expect(report.rows.map(({ subject }) => subject)).toEqual([
    'bad signature',
    'bad signature, to escape',
    'too large by its length',
    'too large in chunks',
    'too deep, signed',
    'full of messages',
    'full of statuses',
    'full of messages, webhook role',
  ]);
  for (const { rounds } of report.rows) expect(rounds[0]?.stallMs).toBeGreaterThan(0);
  expect(report.aims).toHaveLength(16);
  for (const { name, reached } of report.aims) {
    expect(reached).not.toBeNull();
    expect(stdout).toContain(name);
  }
});

test('a bench that there is not is named', async () => {
  const run = promisify(execFile)(process.execPath, [...flags, main, 'nothing']);
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('no bench "nothing"') });
});

/**
 * The bench runs: smoke runs of tiny counts end well and have a row for each measure and contestant. Their figures mean nothing and are
 * not looked at. Without Redis or Postgres the rows that lean on them are skipped, visibly; under CI that is a failure which says what to
 * install. Starting a server on a Postgres of its own takes longest, so not everybody meets everything here.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';

interface Report {
  rows: { measure: string; subject: string; rounds: Record<string, number>[]; skipped?: string }[];
  aims: { name: string; reached: boolean | null }[];
}

const main = resolve(import.meta.dirname, '../../bench/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'nightdesk-bench-test-'));
const reports = new Map<string, { report: Report; stdout: string }>();

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a smoke run of the bench', () => {
  beforeAll(() => bench('whole', '--contestants', 'sqlite,postgres,everysec'), 240_000);

  const subjects = ['Nightdesk', 'Nightdesk on Postgres', 'usual recipe, everysec'];
  const figures = {
    acks: 'acksPerSecond',
    overhead: 'p50Ms',
    throughput: 'answersPerSecond',
    pacing: 'answersPerSecond',
  };
  const rows = Object.entries(figures).flatMap(([measure, figure]) =>
    subjects.map((subject) => [measure, subject, figure] as const),
  );
  test.for([...rows, ['acks', 'bare server', 'acksPerSecond'] as const])(
    'has a row for %s of %s',
    ([measure, subject, figure], context) => {
      const round = roundOf('whole', measure, subject, context);
      expect(round[figure]).toBeGreaterThan(0);
      expect(round.unanswered ?? 0).toBe(0);
    },
  );

  test.for(subjects)('counts what %s loses, doubles and swaps under kill', (subject, context) => {
    const round = roundOf('whole', 'kill', subject, context);
    expect(round.kills).toBeGreaterThan(0);
    expect(round.acknowledged).toBe(round.messages);
    // It stops long before a lease is over, so what is lost is not told here; what is doubled or out of order would be.
    if (subject.startsWith('Nightdesk')) expect(round).toMatchObject({ doubled: 0, outOfOrder: 0 });
  });

  test.for(subjects)('counts the same of %s without a kill', (subject, context) => {
    const round = roundOf('whole', 'no-kill', subject, context);
    expect(round).toMatchObject({ kills: 0, lost: 0, answered: round.messages });
    if (subject.startsWith('Nightdesk')) expect(round).toMatchObject({ doubled: 0, outOfOrder: 0 });
  });

  test.for(subjects.slice(1))('tells what the services of %s cost', (subject, context) => {
    const round = roundOf('whole', 'throughput', subject, context);
    const { cpuMsPerMessage = 0, postgresCpuMsPerMessage = 0, redisCpuMsPerMessage = 0 } = round;
    const isOnPostgres = subject.includes('Postgres');
    expect(isOnPostgres ? postgresCpuMsPerMessage : redisCpuMsPerMessage).toBeGreaterThan(0);
    expect(isOnPostgres ? redisCpuMsPerMessage : postgresCpuMsPerMessage).toBe(0);
    const together = cpuMsPerMessage + postgresCpuMsPerMessage + redisCpuMsPerMessage;
    expect(round.allCpuMsPerMessage).toBeCloseTo(together);
  });

  test('says of each aim whether it was reached', () => {
    const { report, stdout } = of('whole');
    expect(report.aims).toHaveLength(11);
    for (const { name } of report.aims) expect(stdout).toContain(name);
  });
});

describe('a smoke run of single rows', () => {
  beforeAll(() => bench('single', '--contestants', 'bullmq,always', '--only', 'throughput'), 240_000);

  test.for(['Nightdesk on Postgres, BullMQ', 'usual recipe, always'])('has one of %s', (subject, context) => {
    const round = roundOf('single', 'throughput', subject, context);
    expect(of('single').report.rows).toHaveLength(2);
    expect(round.answersPerSecond).toBeGreaterThan(0);
    expect(round.redisCpuMsPerMessage).toBeGreaterThan(0);
    expect(round.unanswered).toBe(0);
  });
});

describe('a smoke run beside old rows', () => {
  beforeAll(() => bench('history', 'history', '--events', '400', '--conversations', '40'), 240_000);

  test('brings them in and compares', (context) => {
    for (const subject of ['a new store', 'a store of old rows']) {
      const round = roundOf('history', 'history', subject, context);
      expect(round.answersPerSecond).toBeGreaterThan(0);
      expect(round.unanswered).toBe(0);
    }
    const { report, stdout } = of('history');
    expect(report.aims.map(({ reached }) => reached)).not.toContain(null);
    const [, events] = /held (\d+) events/.exec(stdout) ?? [];
    expect(Number(events)).toBeGreaterThanOrEqual(400);
  });
});

test.each([
  ['--only', 'speed'],
  ['--contestants', 'mysql'],
])('%s refuses what it does not know', async (flag, word) => {
  const { code, stderr } = await run([flag, word]);
  expect(code).toBe(2);
  expect(stderr).toContain(`knows no "${word}"`);
});

function of(name: string) {
  const made = reports.get(name);
  if (made === undefined) throw new Error(`There is no report of the run "${name}".`);
  return made;
}

/** Skips where a service is missing. */
function roundOf(
  name: string,
  measure: string,
  subject: string,
  context: TestContext,
): Record<string, number> {
  const { report, stdout } = of(name);
  const row = report.rows.find((each) => each.measure === measure && each.subject === subject);
  if (row?.skipped !== undefined) context.skip(row.skipped);
  expect(stdout).toMatch(new RegExp(`^${subject} `, 'm'));
  expect(row?.rounds).toHaveLength(1);
  return row?.rounds[0] ?? {};
}

async function bench(name: string, ...args: string[]): Promise<void> {
  const path = join(folder, `${name}.json`);
  const { code, stdout, stderr } = await run([...args, '--quick', '--json', path]);
  // The bench's own words say what is missing and how to get it.
  expect(code, stderr).toBe(0);
  reports.set(name, { report: JSON.parse(readFileSync(path, 'utf8')) as Report, stdout });
}

const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];

function run(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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

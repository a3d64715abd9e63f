/** The search led by coverage runs, finds ways that no recorded webhook takes, and finds nothing wrong. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = new URL('./coverage-guided.ts', import.meta.url).pathname;
const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];

test('300 inputs of seed 7', async () => {
  const run = promisify(execFile)(process.execPath, [...flags, program, '--inputs', '300', '--seed', '7']);
  // A run that found something ends with exit code 1, and its output is in the message.
  const { stdout } = await run;
  expect(stdout).toMatch(
    /^seed 7: 300 inputs, \d{3} ways of \d+ recorded webhooks, [1-9]\d* new ones .* 0 faults\n$/,
  );
});

/** Each example as its reader finds it: its own tests pass, and `nightdesk check` proves that no conversation can hang. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

function run(example: string, command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: join(root, 'examples', example),
    encoding: 'utf8',
    // Told of a test runner around it, Node's own would not print what failed.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return { status, output: `${stdout}\n${stderr}` };
}

test('there are examples', () => expect(examples).toContain('gift-shop'));

describe.each(examples)('%s', (example) => {
  test('its own tests pass', () => {
    const { status, output } = run(example, 'npm', 'test');
    expect(status, output).toBe(0);
    expect(output).toMatch(/^. pass [1-9]\d*$/m);
  });

  test('no conversation can hang', () => {
    const { status, output } = run(example, join(root, 'bin/nightdesk'), 'check');
    expect(status, output).toBe(0);
    expect(output).toMatch(new RegExp(`^${example} version .* proven: it cannot hang`, 'm'));
  });
});

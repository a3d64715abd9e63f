/**
 * The command line and its reference tell of the same commands, options and exit codes.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '#surface/cli/exit-codes.ts';
import { createProgram } from '#surface/cli/program.ts';

const reference = readFileSync(resolve(import.meta.dirname, '../../docs/reference/cli.md'), 'utf8');

function leavesOf(command: Command, words: string): [string, Command][] {
  if (command.commands.length === 0) return [[words, command]];
  return command.commands.flatMap((child) => leavesOf(child, `${words} ${child.name()}`));
}

const commands = leavesOf(
  createProgram(() => {}),
  'nightdesk',
);
const sections = new Map(
  reference
    .split(/^### /m)
    .slice(1)
    .map((section) => [/^`([^`]+)`/.exec(section)?.[1] ?? '', section]),
);

describe('docs/reference/cli.md', () => {
  it('has a section for each command, and for nothing else', () => {
    expect([...sections.keys()].sort()).toEqual(commands.map(([words]) => words).sort());
  });

  it.each(commands)('shows %s with an example and all its options', (words, command) => {
    const section = sections.get(words) ?? '';
    expect(section).toMatch(new RegExp(`^\\$ ${words}`, 'm'));
    for (const { long, hidden } of command.options)
      if (!hidden && long !== '--json') expect(section).toContain(`\`${long}`);
  });

  it('lists the exit codes', () => {
    for (const code of Object.values(exitCodes))
      expect(reference).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });
});

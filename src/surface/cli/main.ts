#!/usr/bin/env node
/**
 * The command line's front door: parses, runs, says what went wrong, exits with a documented code.
 */
import { loadEnvFile } from './env-file.ts';
import { createProgram, exitCodeOfParser } from './program.ts';

// Whatever is made here holds what customers wrote: besides the user and its group nobody may read it.
process.umask(process.umask() | 0o007);

// A reader that is gone (`nightdesk flags list | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const fromEnvFile = loadEnvFile(process.cwd(), process.env);

try {
  await createProgram((exitCode) => {
    process.exitCode = exitCode;
  }, fromEnvFile).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOfParser(error) ?? (await tell(error));
}

async function tell(error: unknown): Promise<number> {
  const { exitCodeOf, explain } = await import('./exit-codes.ts');
  process.stderr.write(`nightdesk: ${explain(error)}\n`);
  return exitCodeOf(error);
}

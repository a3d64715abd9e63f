/**
 * What the project's own programs (`npm run sim`, `npm run proof`, `npm run bench`) do with what is written behind them:
 * `--help` prints how a program is used, and what it does not know is refused in one line, with exit code 2.
 */

/** Prints the usage and ends where it is asked for; else returns what `read` makes of the arguments, or refuses them. */
export function readArguments<T>(usage: string, read: () => T): T {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    return refuseUnlessOurs(error);
  }
}

export function refuse(what: string): never {
  process.stderr.write(`${what}. Say --help to see what there is.\n`);
  process.exit(2);
}

/** Refuses what `parseArgs` could not read. @throws whatever else it is */
export function refuseUnlessOurs(error: unknown): never {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS_')) throw error;
  // What Node adds is advice for positional arguments.
  refuse(String(message).split(/\.\s/)[0] ?? '');
}

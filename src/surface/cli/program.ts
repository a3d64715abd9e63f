/**
 * The tree of commands. Building it loads nothing but the parser; what a command needs is loaded when it runs, so that
 * help comes at once.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { endThoughHeld } from '#runtime/world/held-process.ts';
import type { CheckOptions } from './check.ts';
import { type CommandRow, commandTable } from './command-table.ts';
import type { ExportOptions } from './contacts-export.ts';
import type { CopyOptions } from './copy.ts';
import type { StartOptions } from './start.ts';

/** Exit codes are 0 done, 1 a check found something, 2 bad use or configuration, 3 the work itself failed. */
type Done = (exitCode: number) => void;

/** `fromEnvFile`: the settings that came from `.env`, which a server that is started again reads anew. */
export function createProgram(done: Done, fromEnvFile: ReadonlySet<string> = new Set()): Command {
  const program = new Command('nightdesk')
    .description('The self-hosted runtime for WhatsApp bots that can be left running unattended.')
    .version(version())
    .exitOverride()
    .configureOutput({
      outputError: (said, write) =>
        write(
          `nightdesk: ${said
            .trim()
            .replace(/^error: /, '')
            .replaceAll('\n', ' ')} (nightdesk --help lists the commands)\n`,
        ),
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a check found something, 2 bad use or configuration, 3 the work itself failed.',
    );
  addInit(program);
  addServers(program, done, fromEnvFile);
  for (const row of commandTable) addRow(program, row, done);
  addExport(program, done);
  program
    .command('check')
    .argument('[dialogs...]', 'only these; all of nightdesk.config.ts and the assistant if absent')
    .description('prove or refute that dialogs cannot hang, and pay nothing twice; exits 1 if not proven')
    .option('--live', 'list conversations of the store that these dialogs could not continue')
    .option('--html <file>', 'write a page with a drawing of each dialog and what was found')
    .option('--mermaid', 'print the drawings as Mermaid text')
    .option('--json', 'for programs')
    .action(async (names: string[], options: CheckOptions) =>
      done(await (await import('./check.ts')).check(names, options)),
    );
  program
    .command('doctor')
    .description('look for what is wrong with configuration, machine, tokens and webhooks')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }) => done(await (await import('./doctor.ts')).doctor(options)));
  return program;
}

function addInit(program: Command): void {
  program
    .command('init')
    .argument('<folder>', 'where the project is made; its last part is its name')
    .description('make a small bot project: a dialog, its test, a Dockerfile')
    .option('--package <file>', 'depend on this packed Nightdesk (npm pack) and not on the published one')
    .action(async (folder: string, options: { package?: string }) => {
      const { init } = await import('./init.ts');
      process.stdout.write(`${init(folder, options)}\n`);
    });
}

function addServers(program: Command, done: Done, fromEnvFile: ReadonlySet<string>): void {
  program
    .command('start')
    .description('run the server until it gets a signal')
    .option('--roles <list>', 'run only these roles: webhook,turn,activity,outbox,console', (value) =>
      value.split(',').map((role) => role.trim()),
    )
    .option(
      '--after-restore',
      'the database was restored from a backup: hold what was open in it for a person, then run',
    )
    // For `dev`, which holds that input open: whatever becomes of the supervisor, its server goes with it.
    .addOption(new Option('--until-stdin-ends', 'stop also when standard input ends').hideHelp())
    .addOption(
      new Option('--standby', 'load everything, then wait for the word of the supervisor').hideHelp(),
    )
    .action(async (options: Omit<StartOptions, 'storeWorker'>) => {
      // Its worker thread loads while this one loads the server.
      const storeWorker = (await import('#runtime/store-worker.ts')).startStoreWorker();
      done(await (await import('./start.ts')).start({ ...options, storeWorker }));
      endThoughHeld();
    });
  program
    .command('dev')
    .description(
      'run the server with a simulated WhatsApp and a phone in the browser, no Meta business account needed',
    )
    .option(
      '--phone-port <n>',
      'where the phone page listens (the first free port from 4000 on if absent)',
      portOf,
    )
    .action(async (options: { phonePort?: number }) =>
      done(await (await import('./dev.ts')).dev({ ...options, fromEnvFile })),
    );
  program
    .command('backup')
    .description('copy the database, also while a server uses it')
    .requiredOption('--out <file>', 'the copy; a file that is there is not replaced')
    .option('--json', 'for programs')
    .action(async (options: { out: string; json?: boolean }) =>
      done(await (await import('./backup.ts')).backUpStore(options)),
    );
  program
    .command('copy')
    .description('move everything from a SQLite file, whose server is stopped, into an empty Postgres')
    .requiredOption('--from <file>', 'as in DATABASE_URL: sqlite:./data/nightdesk.db')
    .requiredOption('--to <url>', 'as in DATABASE_URL: postgres://USER:PASSWORD@HOST:5432/NAME')
    .option('--json', 'for programs')
    .action(async (options: CopyOptions) => done(await (await import('./copy.ts')).copy(options)));
  program
    .command('migrate')
    .description('bring the database to the newest schema; start does so by itself')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }) =>
      done(await (await import('./migrate.ts')).migrate(options)),
    );
}

function portOf(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return port;
}

function addRow(program: Command, row: CommandRow, done: Done): void {
  const words = row.usage.split(' ');
  const names = words.filter((word) => !/^[<[]/.test(word));
  const last = names.pop() ?? '';
  const parent = names.reduce((command, name) => groupOf(command, name), program);
  const command = parent
    .command([last, ...words.filter((word) => /^[<[]/.test(word))].join(' '))
    .description(row.does)
    .option('--json', 'for programs');
  for (const { flags, does, isNeeded } of row.options) {
    if (isNeeded === true) command.requiredOption(flags, does);
    else command.option(flags, does);
  }
  command.action(async () => done(await give(row, command)));
}

async function give(row: CommandRow, command: Command): Promise<number> {
  const options = command.opts<Record<string, string | boolean | undefined>>();
  const args = await row.args(command.args, options);
  const isRecorded = row.options.some(({ flags }) => flags.startsWith('--by'));
  const [{ run }, { show }, { inWords }, { exitCodes }] = await Promise.all([
    import('./run.ts'),
    import('./show.ts'),
    import('./results.ts'),
    import('./exit-codes.ts'),
  ]);
  const result = await run(row.name, isRecorded ? { ...args, by: options.by ?? userName() } : args);
  show(options.json === true ? result : inWords(row.name, result));
  return row.found?.(result) === true ? exitCodes.found : exitCodes.ok;
}

function addExport(program: Command, done: Done): void {
  groupOf(program, 'contacts')
    .command('export')
    .description('write everything that is stored of a contact as one JSON document')
    .requiredOption('--tenant <id>', 'the tenant')
    .requiredOption('--contact <address>', 'a phone, a business-scoped id or an id of ours')
    .option('--out <file>', 'into this file instead of standard output')
    .option('--json', 'for programs: what was written, where --out says a file')
    .action(async (options: ExportOptions) =>
      done(await (await import('./contacts-export.ts')).exportContact(options)),
    );
}

const groups: Record<string, string> = {
  tenants: 'businesses and their phone numbers',
  flags: 'conversations that ask for a person',
  keys: 'what opens the door for the systems of a business',
  contacts: 'what is stored of a customer',
  deadletters: 'events on which a dialog failed',
  sends: 'messages whose fate a person decides',
  quarantine: 'what came in and fits no mailbox',
};

function groupOf(parent: Command, name: string): Command {
  return (
    parent.commands.find((command) => command.name() === name) ??
    parent.command(name).description(groups[name] ?? '')
  );
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The exit code of what the parser threw, or null where it was not the parser. */
export function exitCodeOfParser(error: unknown): number | null {
  if (!(error instanceof CommanderError)) return null;
  return error.code === 'commander.helpDisplayed' || error.code === 'commander.version' ? 0 : 2;
}

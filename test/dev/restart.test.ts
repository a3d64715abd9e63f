/** A change of the bot's files: the server is started again with it, and what cannot be used changes nothing. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { answersIn, clientOf, DevProcess, eventsUntil, isAnswered, lunaFlowers } from './dev-process.ts';

const root = resolve(import.meta.dirname, '../..');
const started: DevProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((dev) => dev.remove()));
});

/** A folder in which `nightdesk` and what it needs can be imported. */
function project(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-restart-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'nightdesk'));
  symlinkSync(join(root, 'node_modules', 'xstate'), join(folder, 'node_modules', 'xstate'));
  for (const [name, text] of Object.entries(files)) write(folder, name, text);
  return folder;
}

function write(folder: string, name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function start(folder: string, env: Record<string, string> = {}): DevProcess {
  const dev = new DevProcess({ folder, env: { PORT: '0', ...env } });
  started.push(dev);
  return dev;
}

const config = `import { parrot } from './dialogs/parrot.ts';
export default { dialogs: [parrot] };
`;

/** Repeats what is written, with a word before it, and counts. */
const parrot = (word: string): string => `import { defineDialog, dialogActions } from 'nightdesk';
import { assign, setup } from 'xstate';
import { word } from './word.ts';
const machine = setup({
  actions: { ...dialogActions, count: assign(({ context }) => ({ times: context.times + 1 })) },
}).createMachine({
  context: { times: 0 },
  on: { text: { actions: ['count', { type: 'say', params: ({ context, event }) => ({ text: word + ' ' + context.times + ': ' + event.text }) }] } },
});
export const parrot = defineDialog({ name: 'parrot', version: 1, machine, activities: {} });
// ${word}
`;

const parrotNumber = '106540352243000';
const files = {
  'nightdesk.config.ts': config,
  'dialogs/parrot.ts': parrot(''),
  'dialogs/word.ts': "export const word = 'heard';\n",
};

test('what the configuration imports is watched, and conversations go on', async () => {
  const folder = project(files);
  const dev = start(folder);
  const { phone, next } = await dev.ready();
  const client = clientOf(phone);
  const write1 = (text: string) =>
    client.say({ phoneNumberId: parrotNumber, contact: 'mia', type: 'text', text });
  await write1('one');
  await eventsUntil(phone, (seen) => answersIn(seen).includes('heard 1: one'));
  write(folder, 'dialogs/word.ts', "export const word = 'understood';\n");
  await dev.line(/^dialogs\/word\.ts changed: starting the server again\./, next);
  const { match } = await dev.line(
    /^The server is back\. The restart took (\d+) ms; for (\d+) ms of that nobody served/,
    next,
  );
  expect(Number(match[2])).toBeLessThanOrEqual(Number(match[1]));
  await write1('two');
  await eventsUntil(phone, (seen) => answersIn(seen).includes('understood 2: two'));
});

test.each([
  ['throws', "throw new Error('not today');\nexport const word = '';\n", /word\.ts:1: not today\./],
  ['does not parse', 'export const word = ;\n', /word\.ts:1: it cannot be parsed at line 1\./],
])('a file that %s leaves the server as it is, until it is mended', async (_what, broken, said) => {
  const folder = project(files);
  const dev = start(folder);
  const { phone, next } = await dev.ready();
  const pid = dev.serverPid();
  const client = clientOf(phone);
  const say = (text: string) =>
    client.say({ phoneNumberId: parrotNumber, contact: 'mia', type: 'text', text });
  write(folder, 'dialogs/word.ts', broken);
  const refused = await dev.line(/^That was refused, see above\. The server goes on as it was/, next);
  // The server says it itself, by a pipe of its own.
  await dev.line(said, next);
  await say('still there');
  await eventsUntil(phone, (seen) => answersIn(seen).includes('heard 1: still there'));
  expect(dev.serverPid()).toBe(pid);
  write(folder, 'dialogs/word.ts', "export const word = 'mended';\n");
  await dev.line(/^The server is back\./, refused.next);
  await say('and now');
  await eventsUntil(phone, (seen) => answersIn(seen).includes('mended 2: and now'));
});

test('a configuration that never worked is waited for, and a file that was missing is noticed', async () => {
  const { 'dialogs/word.ts': word, ...without } = files;
  const folder = project(without);
  const dev = start(folder);
  const refused = await dev.line(/^That was refused, see above\. No server runs until the next change/);
  await dev.line(/Cannot find module/);
  await dev.line(/^The phone page is at http:/);
  write(folder, 'dialogs/word.ts', word);
  await dev.line(/^ {2}Phone /, refused.next);
});

test('a limit that does not exist is refused with its name, and the next change is tried', async () => {
  const dev = start(project({}));
  const { phone, next } = await dev.ready();
  dev.configure('export default { limits: { noSuchLimit: 1 } };\n');
  const changed = await dev.line(/^nightdesk\.config\.ts changed/, next);
  const refused = await dev.line(/^That was refused, see above/, changed.next);
  await dev.line(/noSuchLimit/, next);
  dev.configure('export default {};\n');
  await dev.line(/^The server is back\./, refused.next);
  await clientOf(phone).say({ phoneNumberId: lunaFlowers, contact: 'mia', type: 'text', text: 'mended' });
  await eventsUntil(phone, (seen) => isAnswered(seen, 'mended'));
});

test('.env is read anew at each start, and the environment goes before it', async () => {
  const folder = project({ '.env': 'WAKE=pigeon\nLOG_LEVEL=debug\n' });
  const dev = start(folder, { LOG_LEVEL: 'warn' });
  expect((await dev.closed()).code).toBe(2);
  expect(dev.output).toContain('WAKE cannot be used');
  write(folder, '.env', 'WAKE=local\nLOG_LEVEL=debug\n');
  const again = start(folder, { LOG_LEVEL: 'warn' });
  const { next } = await again.ready();
  expect(again.output).not.toContain('"level":"info"');
  write(folder, '.env', 'METRICS_TOKEN=secret\n');
  await again.line(/^\.env changed: starting the server again\./, next);
  await again.line(/^The server is back\./, next);
  const metrics = /Metrics +(\S+)/.exec(again.output)?.[1] ?? '';
  expect((await fetch(metrics)).status).toBe(403);
});

test('types that do not fit are told, by the compiler of the project, and the server runs all the same', async () => {
  const folder = project({
    'nightdesk.config.ts': "const wrong: number = 'text';\nexport default { limits: {} };\nvoid wrong;\n",
    'tsconfig.json':
      '{ "compilerOptions": { "module": "nodenext", "strict": true, "noEmit": true, "types": [] } }',
  });
  symlinkSync(join(root, 'node_modules', 'typescript'), join(folder, 'node_modules', 'typescript'));
  const dev = start(folder);
  const { next } = await dev.ready();
  await dev.line(/^! nightdesk\.config\.ts:1 {2}TS2322: Type 'string' is not assignable/, next);
  const told = await dev.line(/^The types do not fit in 1 place; the server runs all the same\./, next);
  dev.configure('export default { limits: {} };\n');
  await dev.line(/^The types fit again\./, told.next);
});

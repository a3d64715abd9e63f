/**
 * What the source gives to its log: ids, codes, counts and outlines. The words of an error that somebody else wrote, of a
 * body or of a customer have no way in.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { lineAt, readTree, scriptsUnder, type TidyFile, treeOf } from '../tidy/tree.ts';
import { closing } from './secret-compares.ts';

const tree = readTree(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));
const logCall = /\blog(?:\??\.\s*(?:debug|info|warn|error)|\[[^\]]+\])\s*\(/g;
const words =
  /\bmessageOf\b|\.\s*(message|stack|body|rawBody|bytes|text|content|raw|input|result|phone|displayNumber|caption|address|settings|accessToken|appSecret|verifyToken)\b|\b(JSON\s*\.\s*stringify|String|inspect)\s*\(/;

function wordyCalls({ path, text, code }: TidyFile): string[] {
  return [...code.matchAll(logCall)]
    .filter(({ index, 0: call }) => words.test(code.slice(index, closing(code, index + call.length))))
    .map(({ index }) => `${path}:${lineAt(text, index)}`);
}

test('no call of the log hands on words', () => {
  const files = scriptsUnder(tree, 'src/');
  expect(files.flatMap(({ code }) => [...code.matchAll(logCall)]).length).toBeGreaterThan(15);
  expect(files.flatMap(wordyCalls)).toEqual([]);
});

test('the rule bites', () => {
  const at = (line: string) => wordyCalls(treeOf({ 'src/a.ts': line }).files.get('src/a.ts')!);
  for (const line of [
    "world.log.error({ err: messageOf(error) }, 'It failed.');",
    "log.warn({ err: error.message }, 'It failed.');",
    "deps.world.log.info({ said: JSON.stringify(body) }, 'It came.');",
    "log.debug({ ...ref, text: event.content }, 'It came.');",
  ])
    expect(at(line)).toEqual(['src/a.ts:1']);
  expect(at("log.error({ ...ref, err: outlineOf(error) }, 'It failed.');")).toEqual([]);
});

/**
 * Each of these tells a person at a terminal what the system or SQLite said of a file, keeps a dialog's own words, or hands
 * an error of the store on to the caller of the store.
 */
const mayTell = [
  'src/core/dialog/check/both-ways.ts',
  'src/core/dialog/dialog.ts',
  'src/core/dialog/run-turn.ts',
  'src/core/dialog/steps/build.ts',
  'src/core/model/faults.ts',
  'src/runtime/config-file.ts',
  'src/runtime/doctor/store.ts',
  'src/runtime/world/secrets.ts',
  'src/store/postgres/database/faults.ts',
  'src/store/sqlite/upkeep/backup.ts',
  'src/store/sqlite/database/database.ts',
  'src/store/sqlite/worker/wire.ts',
  'src/surface/cli/command-socket.ts',
  'src/surface/cli/dev/businesses.ts',
];

test('the words of foreign errors are taken in few places, each of them known', () => {
  const takers = scriptsUnder(tree, 'src/')
    .filter(({ path, code }) => !path.startsWith('src/simulator/') && /\bmessageOf\s*\(/.test(code))
    .map(({ path }) => path);
  expect(takers.filter((path) => !mayTell.includes(path))).toEqual([]);
  expect(mayTell.filter((path) => !takers.includes(path))).toEqual([]);
});

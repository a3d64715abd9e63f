/** Moments leave a process by a pipe that it never waits for: whole processes, since only they have such pipes. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { ToldMoment } from '#core/ports/observer.ts';

const flags = [
  '--conditions=nightdesk-source',
  '--disable-warning=ExperimentalWarning',
  '--input-type=module',
];
const opens = `
  const { createRealWorld } = await import('#runtime/world/real-world.ts');
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const world = createRealWorld({ log, momentsFd: 3 });
  const tell = (wamid) => world.observer.observe({ kind: 'messageStored', wamid, phoneNumberId: '1' });`;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(script: string) {
  const child = spawn(process.execPath, [...flags, '--eval', opens + script], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  children.push(child);
  const said = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    pipe: child.stdio[3] as Readable,
    hears: async () => (await said.next()).value as string,
    tell: (word: string) => child.stdin!.write(`${word}\n`),
  };
}

const listens = `
  import { createInterface } from 'node:readline';
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const heard = async () => (await lines.next()).value;`;

test('each moment is a line, and what was told before a kill -9 is there', async () => {
  const { child, pipe, hears } = start(`
    tell('first'); tell('second');
    setImmediate(() => setImmediate(() => console.log('told')));
    process.stdin.resume();`);
  await hears();
  child.kill('SIGKILL');
  let text = '';
  for await (const chunk of pipe) text += String(chunk);
  const told = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ToldMoment);
  expect(told).toMatchObject([
    { kind: 'messageStored', wamid: 'first', phoneNumberId: '1' },
    { kind: 'messageStored', wamid: 'second' },
  ]);
  expect(told[0]!.atMs).toBeGreaterThan(Date.UTC(2026, 0));
});

test('a reader that does not read loses moments, which are counted, and stops nobody', async () => {
  const { pipe, hears, tell } = start(`${listens}
    const big = 'w'.repeat(1_000);
    for (let i = 0; i < 20_000; i += 1) {
      tell(big + i);
      if (i % 100 === 0) await new Promise(setImmediate);
    }
    console.log('told all');
    while ((await heard()) !== undefined) tell('after');`);
  expect(await hears()).toBe('told all');
  const told: ToldMoment[] = [];
  for await (const line of createInterface({ input: pipe })) {
    told.push(JSON.parse(line) as ToldMoment);
    // There is room again once enough was read.
    if (told.length % 100 === 0) tell('go on');
    if (line.includes('"after"')) break;
  }
  const big = told.filter((moment) => moment.kind === 'messageStored' && moment.wamid !== 'after').length;
  const lost = told.reduce((sum, moment) => sum + (moment.kind === 'momentsLost' ? moment.count : 0), 0);
  expect(told.at(-2)).toMatchObject({ kind: 'momentsLost' });
  expect(big).toBeGreaterThan(500);
  expect(big).toBeLessThan(10_000);
  const lostAfter = lost - (20_000 - big);
  expect(lostAfter).toBeGreaterThanOrEqual(0);
  expect(lostAfter).toBeLessThan(told.length / 100);
});

test('a supervisor that is gone ends the telling, not the server', async () => {
  const { pipe, hears, tell } = start(`${listens}
    tell('here');
    console.log('ready');
    await heard();
    for (let i = 0; i < 100; i += 1) { tell('nobody hears ' + i); await new Promise(setImmediate); }
    console.log('alive');`);
  await hears();
  pipe.destroy();
  await once(pipe, 'close');
  tell('go on');
  expect(await hears()).toBe('alive');
});

test('a descriptor that is no pipe is refused', async () => {
  const script = opens.replace('momentsFd: 3', 'momentsFd: 200');
  const run = promisify(execFile)(process.execPath, [...flags, '--eval', script], { timeout: 20_000 });
  await expect(run).rejects.toThrow(/EBADF|no pipe/);
});

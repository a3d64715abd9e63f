/**
 * How long `nightdesk dev` takes to be back after an edit, in a project that a stranger made from the packed package: the
 * supervisor's own figures for edits of its dialog, and their medians. Between two edits pass a few seconds, as they do where a
 * person makes them; with `--at-once` the next one comes as soon as the server is back.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { DevProcess } from './dev-process.ts';
import { npm, pack, strangersEnvironment } from './packed.ts';

const editsCount = 10;
const pauseMs = process.argv.includes('--at-once') ? 0 : 4_000;
const { timers } = createRealWorld({ log: createLog({ level: 'silent' }) });
const folder = mkdtempSync(join(tmpdir(), 'nightdesk-restart-time-'));
const project = join(folder, 'empty', 'my-bot');
const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

let dev: DevProcess | undefined;
try {
  mkdirSync(join(folder, 'empty'));
  const tarball = await pack(folder);
  const init = ['nightdesk', 'init', 'my-bot', '--package', tarball];
  await npm(join(folder, 'empty'), 'exec', '--yes', '--package', tarball, '--', ...init);
  await npm(project, 'install');
  dev = new DevProcess({
    folder: project,
    command: ['npm', 'start'],
    env: { ...strangersEnvironment(), PORT: '0' },
  });
  let { next } = await dev.ready();
  const path = join(project, 'dialogs', 'table-booking.ts');
  const text = readFileSync(path, 'utf8');
  const took: number[] = [];
  const nobody: number[] = [];
  for (let edit = 1; edit <= editsCount; edit += 1) {
    await new Promise<void>((passed) => timers.after(pauseMs, passed));
    writeFileSync(path, `${text}// ${edit}\n`);
    const back = await dev.line(
      /^The server is back\. The restart took (\d+) ms; for (\d+) ms of that nobody served/,
      next,
    );
    ({ next } = back);
    took.push(Number(back.match[1]));
    nobody.push(Number(back.match[2]));
    console.log(back.match[0]);
  }
  console.log(
    `Median of ${editsCount}: ${medianOf(took)} ms, the slowest ${Math.max(...took)} ms; nobody served for ${medianOf(nobody)} ms, at most ${Math.max(...nobody)} ms.`,
  );
} finally {
  await dev?.remove();
  rmSync(folder, { recursive: true, force: true });
}

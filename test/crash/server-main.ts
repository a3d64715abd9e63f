/**
 * A server that dies at a point: `nightdesk start` as it is, given crash points that end the process with SIGKILL at the
 * n-th arrival. What to die at stands in `armed.json` of its folder at the start, or is told by a message of its parent.
 * `crash.log` beside it keeps what happened, written before the process can be gone.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import { start } from '#surface/cli/start.ts';

export interface Armed {
  point: CrashPoint;
  /** 1 for the first time that the point is reached from now on. */
  arrival: number;
}

let armed: Armed | null = existsSync('armed.json')
  ? (JSON.parse(readFileSync('armed.json', 'utf8')) as Armed)
  : null;

function reach(point: CrashPoint): void {
  if (armed?.point !== point) return;
  armed.arrival -= 1;
  if (armed.arrival > 0) return;
  appendFileSync('crash.log', `died ${point}\n`);
  process.kill(process.pid, 'SIGKILL');
  // Nothing may happen between the signal and the end.
  for (;;);
}

process.on('message', (message) => {
  armed = message as Armed;
  // A process that is killed keeps nothing of what it compiled, and the next start takes twice as long.
  flushCompileCache();
  appendFileSync('crash.log', `armed ${armed.point}\n`);
});
process.channel?.unref();
// Nobody is left who would end it.
process.once('disconnect', () => process.exit(1));

process.exitCode = await start({ crashPoints: { reach }, afterRestore: existsSync('after-restore') });

/**
 * Moments as lines of JSON into a pipe that a supervisor holds. The server never waits for it: what does not fit into the
 * pipe and a small buffer is left out and counted, and a supervisor that is gone ends the telling, not the server.
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Moment, Observer, ToldMoment } from '#core/ports/observer.ts';
import type { Clock } from '#core/ports/world.ts';

/** About two seconds of a busy server; behind it the reader hangs. */
const backlogBytesMax = 1024 * 1024;

export interface MomentPipe extends Observer {
  close(): void;
}

export interface MomentPipeOptions {
  /** The descriptor of a pipe that was inherited. */
  fd: number;
  clock: Clock;
  soon: (fn: () => void) => void;
}

/** @throws TypeError, or an error of the system, where the descriptor is no open pipe */
export function openMomentPipe({ fd, clock, soon }: MomentPipeOptions): MomentPipe {
  const stats = fstatSync(fd);
  if (!stats.isFIFO() && !stats.isSocket()) throw new TypeError(`descriptor ${fd} is no pipe`);
  const pipe = new Socket({ fd, readable: false, writable: true });
  pipe.unref();
  let isOpen = true;
  let isCorked = false;
  let lost = 0;
  const end = (): void => {
    isOpen = false;
    pipe.destroy();
  };
  pipe.on('error', end);

  const write = (moment: Moment): void => {
    const told: ToldMoment = { ...moment, atMs: clock.nowMs() };
    pipe.write(`${JSON.stringify(told)}\n`);
  };
  const flush = (): void => {
    isCorked = false;
    pipe.uncork();
  };
  return {
    observe(moment) {
      if (!isOpen) return;
      if (pipe.writableLength > backlogBytesMax) {
        lost += 1;
        return;
      }
      // What happens together is one write.
      if (!isCorked) {
        isCorked = true;
        pipe.cork();
        soon(flush);
      }
      if (lost > 0) {
        write({ kind: 'momentsLost', count: lost });
        lost = 0;
      }
      write(moment);
    },
    close: end,
  };
}

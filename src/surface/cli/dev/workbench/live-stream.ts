/**
 * The workbench as server-sent events: `state` whenever it changes, gathered over a moment so that a load does not flood
 * the page, and each `moment` with its number as id, so that a browser that reconnects goes on where it was. A reader that
 * does not keep up is cut off and reconnects; nothing waits for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timers } from '#core/ports/world.ts';
import type { BookedMoment, MomentBook } from './moment-book.ts';

const backlogBytesMax = 1024 * 1024;
const gatherMs = 100;
const pingMs = 15_000;
const replayMax = 5_000;

export interface LiveStreamOptions {
  book: MomentBook;
  timers: Timers;
  state: () => unknown;
}

const textOf = (moment: BookedMoment): string =>
  `id: ${moment.seq}\nevent: moment\ndata: ${JSON.stringify(moment)}\n\n`;

export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #readers = new Set<ServerResponse>();
  #isGathering = false;
  #cancelGather = (): void => {};

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    options.book.listen((moment) => {
      if (this.#readers.size > 0) this.#write(textOf(moment));
    });
  }

  open(request: IncomingMessage, response: ServerResponse, after: string | null): void {
    const { book, timers, state } = this.#options;
    const lastId = request.headers['last-event-id'];
    const from = after ?? (typeof lastId === 'string' ? lastId : null);
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.write(`event: state\ndata: ${JSON.stringify(state())}\n\n`);
    if (from !== null)
      for (const moment of book.read({ afterSeq: Number(from) || 0, limit: replayMax }))
        response.write(textOf(moment));
    this.#readers.add(response);
    let cancelPing = (): void => {};
    const ping = (): void => {
      response.write(': ping\n\n');
      cancelPing = timers.after(pingMs, ping);
    };
    cancelPing = timers.after(pingMs, ping);
    response.on('close', () => {
      this.#readers.delete(response);
      cancelPing();
    });
  }

  /** The state is another one. */
  changed(): void {
    if (this.#isGathering || this.#readers.size === 0) return;
    this.#isGathering = true;
    this.#cancelGather = this.#options.timers.after(gatherMs, () => {
      this.#isGathering = false;
      this.#write(`event: state\ndata: ${JSON.stringify(this.#options.state())}\n\n`);
    });
  }

  close(): void {
    this.#cancelGather();
    for (const reader of this.#readers) reader.destroy();
  }

  #write(text: string): void {
    for (const reader of this.#readers) {
      if (reader.writableLength > backlogBytesMax) reader.destroy();
      else reader.write(text);
    }
  }
}

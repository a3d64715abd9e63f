/**
 * The log as server-sent events, for a page that stays open. Each event carries its sequence number as id, so a browser
 * that reconnects continues where it was (as far as the log still reaches). A reader that does not keep up is cut off: it
 * reconnects, and nothing else ever waits for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventLog, SimulatorEvent } from '../events-log.ts';
import type { SetTimer } from '../webhooks/webhook-poster.ts';

const BACKLOG_BYTES_MAX = 1_000_000;
const REPLAY_MAX = 10_000;
const PING_MS = 15_000;

export interface LiveEvents {
  open(request: IncomingMessage, response: ServerResponse, after: string | undefined): void;
  close(): void;
}

const textOf = (event: SimulatorEvent): string =>
  `id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;

export function createLiveEvents(log: EventLog, setTimer: SetTimer): LiveEvents {
  const readers = new Set<ServerResponse>();
  return {
    open(request, response, after) {
      const lastId = request.headers['last-event-id'];
      const from = after ?? (typeof lastId === 'string' ? lastId : undefined);
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': live\n\n');
      if (from !== undefined) {
        for (const event of log.read({ afterSeq: Number(from) || 0, limit: REPLAY_MAX })) {
          response.write(textOf(event));
        }
      }
      const stopListening = log.listen((event) => {
        if (response.writableLength > BACKLOG_BYTES_MAX) response.destroy();
        else response.write(textOf(event));
      });
      let cancelPing = (): void => {};
      const ping = (): void => {
        response.write(': ping\n\n');
        cancelPing = setTimer(PING_MS, ping);
      };
      cancelPing = setTimer(PING_MS, ping);
      readers.add(response);
      response.on('close', () => {
        readers.delete(response);
        cancelPing();
        stopListening();
      });
    },
    close() {
      for (const reader of readers) reader.destroy();
    },
  };
}

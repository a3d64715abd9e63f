/**
 * What makes two arrivals the same. Meta delivers at least once, retries for seven days and sends a retry to every
 * app again, so each item has a key that the store keeps unique for longer than that.
 */
import { hash } from 'node:crypto';
import { type InboundMessage, type InboundNotice, messageKeyOf } from '#core/model/events.ts';

const minuteMs = 60_000;

/** The key of what a body holds, besides statuses: those are settled by applying them twice. */
export function dedupeKeyOf(item: InboundMessage | InboundNotice): string {
  return item.type === 'notice' ? item.dedupeKey : messageKeyOf(item);
}

/**
 * A notice by everything in it and its time. Some carry no time (errors of a value, hand-overs), and the same words
 * an hour later are news: there the minute of receipt stands in. A notice taken twice does no harm, one missed does.
 */
export function noticeDedupeKey(parts: {
  field: string;
  raw: string;
  time: string | undefined;
  receivedAtMs: number;
}): string {
  const time = parts.time ?? `received ${Math.floor(parts.receivedAtMs / minuteMs)}`;
  return hash('sha256', `${parts.field}\n${parts.raw}\n${time}`, 'hex').slice(0, 32);
}

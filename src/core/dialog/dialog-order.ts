/** The order in which a dialog sees the events of one batch. */
import { answerClassOf, type MailboxEvent } from '../model/events.ts';

/** Messages that stand side by side are seen by WhatsApp's own time, then by position; everything else by position. */
export function inDialogOrder(events: readonly MailboxEvent[]): MailboxEvent[] {
  const ordered: MailboxEvent[] = [];
  let run: MailboxEvent[] = [];
  const flush = () => {
    ordered.push(...run.sort((a, b) => a.sentAtMs - b.sentAtMs || a.position - b.position));
    run = [];
  };
  for (const event of events) {
    if (answerClassOf[event.kind] === 'internal') {
      flush();
      ordered.push(event);
    } else run.push(event);
  }
  flush();
  return ordered;
}

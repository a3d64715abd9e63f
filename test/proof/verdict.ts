/**
 * The verdict over a run, from the outside: what customers said and what was accepted for them, and for messages without
 * an answer, rows read by its own SQL. It shares no code with what it judges. Every message carries a token that the
 * model repeats, so an accepted text tells which messages it answers.
 */
import { DatabaseSync } from 'node:sqlite';
import type { AcceptedSend, SaidMessage } from '#simulator/index.ts';

export interface Verdict {
  said: number;
  acknowledged: number;
  answered: number;
  /** Tokens that stand in two accepted sends. */
  answeredTwice: string[];
  /** Pairs of one contact where the later message was answered before the earlier one. */
  outOfOrder: string[];
  /** Neither answered nor held for a person with a flag. */
  lost: string[];
  held: number;
  /** Ordered pairs that were compared; a verdict about no pair says nothing. */
  pairsCompared: number;
}

const tokenPattern = /<[a-z]+\d+-\d+>/g;

export function tokenOf(contact: number, message: number, prefix = 'm'): string {
  return `<${prefix}${contact}-${message}>`;
}

export function judge(
  said: readonly SaidMessage[],
  accepted: readonly AcceptedSend[],
  databasePath: string,
): Verdict {
  const firstAnswer = new Map<string, number>();
  const answeredTwice: string[] = [];
  for (const send of accepted) {
    for (const token of new Set(send.text?.match(tokenPattern) ?? [])) {
      if (firstAnswer.has(token)) answeredTwice.push(token);
      else firstAnswer.set(token, send.index);
    }
  }
  const asked = said.flatMap((message) => {
    const token = message.text?.match(tokenPattern)?.[0];
    return token === undefined ? [] : [{ token, message }];
  });
  const unanswered = asked.filter(({ token }) => !firstAnswer.has(token));
  const { held, lost } = heldOrLost(unanswered, databasePath);
  return {
    said: asked.length,
    acknowledged: asked.filter(({ message }) => message.acknowledgedAtMs !== null).length,
    answered: asked.length - unanswered.length,
    answeredTwice,
    held,
    lost,
    ...order(asked, firstAnswer),
  };
}

type Asked = { token: string; message: SaidMessage };

/** Where A's 200 came before B was said, A is answered not later than B. */
function order(
  asked: readonly Asked[],
  firstAnswer: ReadonlyMap<string, number>,
): { outOfOrder: string[]; pairsCompared: number } {
  const byContact = Map.groupBy(asked, ({ message }) => `${message.phoneNumberId} ${message.contactId}`);
  const outOfOrder: string[] = [];
  let pairsCompared = 0;
  for (const messages of byContact.values()) {
    for (const [i, a] of messages.entries()) {
      const acknowledgedAtMs = a.message.acknowledgedAtMs;
      const answerA = firstAnswer.get(a.token);
      if (acknowledgedAtMs === null || answerA === undefined) continue;
      for (const b of messages.slice(i + 1)) {
        const answerB = firstAnswer.get(b.token);
        if (answerB === undefined || b.message.atMs <= acknowledgedAtMs) continue;
        pairsCompared += 1;
        if (answerA > answerB) outOfOrder.push(`${a.token} answered after ${b.token}`);
      }
    }
  }
  return { outOfOrder, pairsCompared };
}

/** A message without an answer is held where a person is asked: its end or its conversation carries an open flag. */
function heldOrLost(unanswered: readonly Asked[], databasePath: string): { held: number; lost: string[] } {
  if (unanswered.length === 0) return { held: 0, lost: [] };
  const db = new DatabaseSync(databasePath, { readOnly: true });
  const find = db.prepare('SELECT tenant_id, conversation_id, end, end_ref FROM event WHERE wamid = ?');
  const flagged = db.prepare(
    'SELECT count(*) AS flags FROM flag WHERE tenant_id = ? AND conversation_id = ? AND resolved_at_ms IS NULL',
  );
  let held = 0;
  const lost: string[] = [];
  for (const { token, message } of unanswered) {
    const event = find.get(message.wamid) as
      | { tenant_id: string; conversation_id: string; end: string | null }
      | undefined;
    const flags =
      event === undefined
        ? 0
        : (flagged.get(event.tenant_id, event.conversation_id) as { flags: number }).flags;
    if (event !== undefined && flags > 0) held += 1;
    else
      lost.push(`${token} (${event === undefined ? 'never stored' : `end ${event.end ?? 'open'}, no flag`})`);
  }
  db.close();
  return { held, lost };
}

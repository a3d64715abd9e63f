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

/** What the store has of a message; null where it was never stored. */
export interface StoredMessage {
  ending: string | null;
  /** Open ones of its conversation. */
  flags: number;
}

/** Looks for messages by their wamids. */
export type Look = (wamids: readonly string[]) => Promise<(StoredMessage | null)[]>;

export async function judge(
  said: readonly SaidMessage[],
  accepted: readonly AcceptedSend[],
  look: Look,
): Promise<Verdict> {
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
  const { held, lost } = heldOrLost(unanswered, await look(unanswered.map(({ message }) => message.wamid)));
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
function heldOrLost(
  unanswered: readonly Asked[],
  stored: readonly (StoredMessage | null)[],
): { held: number; lost: string[] } {
  const lost = unanswered.flatMap(({ token }, nth) => {
    const found = stored[nth] ?? null;
    if (found === null) return [`${token} (never stored)`];
    return found.flags > 0 ? [] : [`${token} (end ${found.ending ?? 'open'}, no flag)`];
  });
  return { held: unanswered.length - lost.length, lost };
}

export const lookIntoFile =
  (path: string): Look =>
  async (wamids) => {
    const db = new DatabaseSync(path, { readOnly: true });
    const find = db.prepare(
      `SELECT e.end AS ending, (SELECT count(*) FROM flag f WHERE f.tenant_id = e.tenant_id AND f.conversation_id = e.conversation_id
        AND f.resolved_at_ms IS NULL) AS flags FROM event e WHERE e.wamid = ?`,
    );
    try {
      return wamids.map((wamid) => (find.get(wamid) as StoredMessage | undefined) ?? null);
    } finally {
      db.close();
    }
  };

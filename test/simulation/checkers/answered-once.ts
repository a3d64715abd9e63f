/**
 * I9 as it is seen from outside: no word of a customer stands in two answers that were accepted, an answer holds the words
 * of what it answers, and a message that was acknowledged is answered, or a person was asked or had it.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import { contactAt } from '../setting-up.ts';
import { type Said, SaidBook, wordsIn } from './said.ts';

/** An answer that was taken back may have been accepted all the same; a person knows of it. */
const selectTakenBack = "SELECT 1 AS one FROM send WHERE send_id = ? AND state IN ('withdrawn', 'refused')";
/** What a person redrives is said again, to the model, too. */
const selectRedriven = `SELECT 1 AS one FROM event e JOIN dead_letter d USING (tenant_id, conversation_id, position)
  WHERE e.wamid = ? AND d.redriven_at_ms IS NOT NULL`;
const selectAnswers = `SELECT e.wamid, e.end_ref AS ref, json_extract(s.body, '$.text.body') AS text FROM event e
  JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref WHERE e.end = 'answered' AND e.kind = 'text'`;
const selectAnsweredBy = 'SELECT 1 AS one FROM event WHERE end_ref = ?';
const selectEndOf = 'SELECT end FROM event WHERE wamid = ?';
/** The survivor of each conversation, and whether a person was ever asked to look at it, or had it. */
const selectCared = `SELECT e.wamid FROM event e JOIN conversation c USING (tenant_id, conversation_id)
  WHERE e.wamid IS NOT NULL AND (
    EXISTS (SELECT 1 FROM flag f JOIN conversation o USING (tenant_id, conversation_id)
      WHERE f.tenant_id = e.tenant_id AND coalesce(o.merged_into, o.conversation_id) = coalesce(c.merged_into, c.conversation_id))
    OR EXISTS (SELECT 1 FROM operator_action a JOIN conversation o USING (tenant_id, conversation_id)
      WHERE a.tenant_id = e.tenant_id AND coalesce(o.merged_into, o.conversation_id) = coalesce(c.merged_into, c.conversation_id))
    OR EXISTS (SELECT 1 FROM event h JOIN conversation o USING (tenant_id, conversation_id)
      WHERE h.tenant_id = e.tenant_id AND h.kind IN ('echo', 'handedBack') AND coalesce(o.merged_into, o.conversation_id) = coalesce(c.merged_into, c.conversation_id)))`;

interface Answer {
  sendId: string;
  text: string;
}

/** An answer of the model says the words of what it answers, and so does what the dialog of steps says by itself. */
const namesItsWords = (text: string, isOfSteps: boolean) =>
  text.startsWith('re: ') || (isOfSteps && text.startsWith('told: '));

/** Kinds that want an answer. */
const wanting = new Set(['text', 'image', 'voice', 'unsupported']);
const isReminder = (text: string) => text.startsWith('reminder:');

export const answeredOnce: MakeChecker = (view) => new AnsweredOnce(view);

class AnsweredOnce implements Checker {
  readonly invariant = 'I9';
  readonly #view: View;
  readonly #said = new SaidBook();
  readonly #answers = new Map<string, Answer[]>();
  readonly #modelsAnswers: Answer[] = [];
  readonly #asked = new Set<string>();
  readonly #acknowledgedAt = new Map<string, number>();
  /** When something was last accepted for a customer, by the number that it came from and the contact. */
  readonly #heardAt = new Map<string, number>();

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    this.#said.see(seen);
    if (seen.kind === 'asked') for (const word of seen.words) this.#asked.add(word);
    else if (seen.kind === 'acknowledged' && seen.status === 200)
      for (const wamid of seen.messages)
        this.#acknowledgedAt.set(wamid, this.#acknowledgedAt.get(wamid) ?? seen.atMs);
    else if (seen.kind === 'arrived' && seen.wamid !== null) {
      this.#heardAt.set(`${seen.phoneNumberId} ${contactAt(seen.to)}`, seen.atMs);
      if (isReminder(seen.text)) return;
      if (seen.text.startsWith('re: ')) this.#modelsAnswers.push({ sendId: seen.sendId, text: seen.text });
      for (const word of new Set(wordsIn(seen.text))) this.#keep(word, seen);
    }
  }

  end(): void {
    for (const [word, answers] of this.#answers) this.#isAnsweredOnce(word, answers);
    for (const answer of this.#modelsAnswers) this.#isStillAsked(answer);
    this.#wordsAreInAnswers();
    const cared = new Set(this.#view.rows.all<{ wamid: string }>(selectCared).map(({ wamid }) => wamid));
    for (const said of this.#said.all())
      if (wanting.has(said.type) && !cared.has(said.wamid) && !this.#isAnswered(said))
        this.#isForgotten(said);
  }

  #keep(word: string, { sendId, text }: Answer): void {
    const answers = this.#answers.get(word) ?? [];
    if (!answers.some((each) => each.sendId === sendId)) answers.push({ sendId, text });
    this.#answers.set(word, answers);
  }

  #isAnsweredOnce(word: string, all: readonly Answer[]): void {
    const answers = all.filter(({ sendId }) => this.#view.rows.get(selectTakenBack, sendId) === undefined);
    if (answers.length < 2) return;
    const wamid = this.#said.byWord(word)?.wamid ?? '';
    if (this.#view.rows.get(selectRedriven, wamid) !== undefined) return;
    this.#view.violated({
      invariant: 'I9',
      what: `The customer's word ${word} was answered ${answers.length} times: ${answers.map(({ sendId, text }) => `"${text}" (${sendId})`).join(', ')}. One message gets one answer.`,
      subjects: [word, ...answers.map(({ sendId }) => sendId)],
    });
  }

  /** What an operator has is theirs: an answer that was under way when they took over is not said after them. */
  #isStillAsked({ sendId, text }: Answer): void {
    if (this.#view.rows.get(selectAnsweredBy, sendId) !== undefined) return;
    const ends = wordsIn(text)
      .map((word) => this.#said.byWord(word)?.wamid ?? '')
      .flatMap((wamid) => this.#view.rows.all<{ end: string }>(selectEndOf, wamid));
    if (ends.length === 0 || ends.some(({ end }) => end !== 'seenByOperator')) return;
    this.#view.violated({
      invariant: 'I9',
      what: `The bot said "${text}" (${sendId}), and all that it answers was an operator's by then: the customer is answered behind their back.`,
      subjects: [...wordsIn(text), sendId],
    });
  }

  #wordsAreInAnswers(): void {
    const rows = this.#view.rows.all<{ wamid: string; ref: string; text: string | null }>(selectAnswers);
    for (const { wamid, ref, text } of rows) {
      const said = this.#said.byWamid(wamid);
      const isOfSteps = this.#view.plan.tenants.some(
        ({ id, dialog }) => id === said?.tenantId && dialog === 'steps',
      );
      if (said === undefined || text === null || !namesItsWords(text, isOfSteps)) continue;
      for (const word of wordsIn(said.text)) {
        const isUnasked = text.startsWith('re: ') && !this.#asked.has(word);
        if (wordsIn(text).includes(word) && !isUnasked) continue;
        this.#view.violated({
          invariant: 'I9',
          what: `${this.#said.nameOf(wamid)} counts as answered by "${text}" (${ref}), ${isUnasked ? 'though no model was ever asked about it' : 'which does not say a word of it'}.`,
          subjects: [word, ref, wamid],
        });
      }
    }
  }

  #isAnswered(said: Said): boolean {
    const acknowledgedAt = this.#acknowledgedAt.get(said.wamid);
    if (acknowledgedAt === undefined) return true;
    const words = wordsIn(said.text);
    if (words.some((word) => this.#answers.has(word))) return true;
    // What has no words is answered by any text after it.
    const heardAt = this.#heardAt.get(`${said.phoneNumberId} ${said.contact}`);
    return words.length === 0 && heardAt !== undefined && heardAt >= said.atMs;
  }

  #isForgotten({ wamid, text }: Said): void {
    this.#view.violated({
      invariant: 'I9',
      what: `${this.#said.nameOf(wamid)} was acknowledged, and then nothing came of it: no answer was accepted, no person was asked to look, no operator had it.`,
      subjects: [wamid, ...wordsIn(text)],
    });
  }
}

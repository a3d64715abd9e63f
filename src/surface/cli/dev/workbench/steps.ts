/** Steps under way and done, each under a key by which its end finds it. */
import type { Step, StepKind } from './life.ts';

interface Beginning {
  kind: StepKind;
  text: string;
  /** What it says if the server ends before it; without it the server's end does not end it. */
  cutOff?: string;
  /** Called when the server ended before it. */
  onCutOff?: (ended: { atMs: number }) => void;
}

export class Steps {
  #all: Step[] = [];
  readonly #open = new Map<string, { step: Step; beginning: Beginning }>();

  begin(key: string, record: { atMs: number }, beginning: Beginning): void {
    const { kind, text } = beginning;
    const step: Step = { kind, fromMs: record.atMs, toMs: null, text, detail: { began: record } };
    this.#all.push(step);
    this.#open.set(key, { step, beginning });
  }

  isOpen(key: string): boolean {
    return this.#open.has(key);
  }

  /** Ends it if it is under way; returns whether it was. */
  end(key: string, record: { atMs: number }, change: { text?: string; kind?: StepKind } = {}): boolean {
    const open = this.#open.get(key);
    if (open === undefined) return false;
    this.#open.delete(key);
    const { step } = open;
    step.toMs = Math.max(step.fromMs, record.atMs);
    step.text = change.text ?? step.text;
    step.kind = change.kind ?? step.kind;
    step.detail.ended = record;
    return true;
  }

  /** It was none after all. */
  drop(key: string): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    this.#all = this.#all.filter((step) => step !== open?.step);
  }

  /** Something that has no length. */
  point(record: { atMs: number }, { kind, text }: { kind: StepKind; text: string }): void {
    this.#all.push({ kind, fromMs: record.atMs, toMs: record.atMs, text, detail: { began: record } });
  }

  /** The server is gone: what it had under way ends with it. */
  cutOff(record: { atMs: number }): void {
    for (const [key, { beginning }] of [...this.#open]) {
      if (beginning.cutOff === undefined) continue;
      this.end(key, record, { text: beginning.cutOff });
      beginning.onCutOff?.(record);
    }
  }

  /** In the order of their beginnings. */
  list(): Step[] {
    return [...this.#all].sort((a, b) => a.fromMs - b.fromMs);
  }
}

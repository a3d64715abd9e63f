/** What people wrote, as the journal has it, and the words in it: each text of a plan has one word of its own. */
import type { Observation } from '../journal.ts';

export type Said = Extract<Observation, { kind: 'said' }>;

export const wordsIn = (text: string): string[] => text.match(/\bw\d+\b/g) ?? [];

export class SaidBook {
  readonly #byWamid = new Map<string, Said>();
  readonly #byWord = new Map<string, Said>();

  see(seen: Observation): void {
    if (seen.kind !== 'said') return;
    this.#byWamid.set(seen.wamid, seen);
    for (const word of wordsIn(seen.text)) this.#byWord.set(word, seen);
  }

  byWamid(wamid: string | number | null | undefined): Said | undefined {
    return typeof wamid === 'string' ? this.#byWamid.get(wamid) : undefined;
  }

  byWord(word: string): Said | undefined {
    return this.#byWord.get(word);
  }

  all(): Iterable<Said> {
    return this.#byWamid.values();
  }

  /** How a story names a message: by what was written, else by its wamid. */
  nameOf(wamid: string | number | null | undefined): string {
    const said = this.byWamid(wamid);
    if (said === undefined) return `message ${wamid}`;
    return said.text === ''
      ? `the ${said.type} ${said.wamid} of ${said.contact}`
      : `"${said.text}" of ${said.contact}`;
  }
}

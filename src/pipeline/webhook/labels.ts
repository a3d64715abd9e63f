/**
 * Words of a body that become labels of metrics. A label lives as long as the process and is printed at every scrape, so
 * a sender who invents words must not be able to make ever more of them: the first ones count under their own name, all
 * others as `other`.
 */
export class Labels {
  readonly #max: number;
  readonly #known = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  of(word: string): string {
    if (this.#known.has(word)) return word;
    if (this.#known.size >= this.#max) return 'other';
    this.#known.add(word);
    return word;
  }
}

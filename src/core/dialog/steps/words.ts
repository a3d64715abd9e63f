/**
 * Reading what customers type. Letters count, not case, accents or dots: "Sí!" is "si", "2." is "2". A typed answer
 * that fits one option counts like a tap; one that fits several counts as none.
 */

export function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}?]+/gu, ' ')
    .trim();
}

export interface Titled {
  id: string;
  /** Its title in each language, and other words for it. */
  titles: readonly string[];
}

/** The same signs, whatever their case: what has no letters (👍), or differs in its signs alone (C, C++). */
const asWritten = (text: string) => text.normalize('NFC').replaceAll('\uFE0F', '').trim().toLowerCase();

/** The option that is meant: by its number as offered, its title, the beginning of it, or a sentence that has it in. */
export function optionMeant(text: string, options: readonly Titled[]): string | null {
  const written = options.filter(({ titles }) =>
    titles.some((title) => asWritten(title) === asWritten(text) && asWritten(text) !== ''),
  );
  if (written.length === 1) return written[0]?.id ?? null;
  const typed = plain(text).replace(/\?/g, '').trim();
  if (typed === '') return null;
  const number = /^(?:n|no|nr|num|number|numero|option|opcion)? ?(\d{1,2})$/.exec(typed)?.[1];
  const named = options.map(({ id, titles }) => ({
    id,
    titles: titles.map(plain).filter((each) => each !== ''),
  }));
  const only = (fits: (title: string) => boolean) => {
    const fitting = named.filter(({ titles }) => titles.some(fits));
    return fitting.length === 1 ? (fitting[0]?.id ?? null) : null;
  };
  const whole = only((title) => title === typed);
  if (whole !== null) return whole;
  if (number !== undefined) return options[Number(number) - 1]?.id ?? null;
  const isQuestion = text.includes('?');
  if (isQuestion) return null;
  if (typed.length >= 3) {
    const begun = only((title) => title.startsWith(typed));
    if (begun !== null) return begun;
  }
  return only((title) => title.length >= 3 && ` ${typed} `.includes(` ${title} `));
}

export function isOneOf(text: string, words: readonly string[]): boolean {
  const typed = plain(text);
  return typed !== '' && words.some((word) => plain(word) === typed);
}

/** Whether a text begins with one of these words. */
export function beginsWith(text: string, words: readonly string[]): boolean {
  const typed = `${plain(text)} `;
  return words.some((word) => typed.startsWith(`${plain(word)} `));
}

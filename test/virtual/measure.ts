/** What is read from the answers of a town. */
import type { Answer, Town } from './town.ts';

/** The most answers that any window of 1,000 ms holds at the receiver. */
export function mostInOneSecond(answers: readonly { atMs: number }[]): number {
  const times = answers.map((answer) => answer.atMs).sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (let last = 0; last < times.length; last += 1) {
    while (times[last]! - times[first]! >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** From each message of a tenant's customers to its answer; for tests in which a customer writes once. */
export function waits(town: Town, tenant: string): number[] {
  const { contacts, said } = town.meta;
  const saidAtMs = new Map(said.map((each) => [contacts.find(each.contactId)?.phone, each.atMs]));
  return town.answers({ tenant }).map(({ to, atMs }) => atMs - (saidAtMs.get(to) ?? Number.NaN));
}

/** The customers' words in the answers of the look-alike model, in the order in which they were answered. */
export function wordsOf(answers: readonly Pick<Answer, 'text'>[]): string[] {
  const echoes = answers.filter(({ text }) => text.startsWith('Echo: '));
  return echoes.flatMap(({ text }) => text.slice('Echo: '.length).split(' | '));
}

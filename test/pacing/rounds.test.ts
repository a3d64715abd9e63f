/**
 * What comes in a burst is taken up a few at a time, in its order, with the event loop free in between.
 */
import { beforeEach, expect, test } from 'vitest';
import { Rounds } from '#core/rounds.ts';

let soon: (() => void)[];
let taken: number[];
let rounds: Rounds;

beforeEach(() => {
  soon = [];
  taken = [];
  rounds = new Rounds(
    (fn) => soon.push(fn),
    () => 4,
  );
});

function burst(...costs: number[]): void {
  for (const [index, cost] of costs.entries()) rounds.run(cost, () => taken.push(index));
}

function nextRound(): void {
  for (const fn of soon.splice(0)) fn();
}

test('what fits into a round is taken up at once', () => {
  burst(1, 1, 2);
  expect(taken).toEqual([0, 1, 2]);
});

test('the rest has the next rounds, in its order, and a new one waits behind it', () => {
  burst(1, 1, 1, 1, 1, 1, 1, 1, 1);
  expect(taken).toEqual([0, 1, 2, 3]);
  rounds.run(1, () => taken.push(9));
  nextRound();
  expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  nextRound();
  expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('one that costs more than a round may goes alone', () => {
  burst(9, 9, 1);
  expect(taken).toEqual([0]);
  nextRound();
  expect(taken).toEqual([0, 1]);
  nextRound();
  expect(taken).toEqual([0, 1, 2]);
});

test('a round in which nothing came is the last one, and the next burst has room again', () => {
  burst(4);
  nextRound();
  nextRound();
  expect(soon).toEqual([]);
  burst(4);
  expect(taken).toEqual([0, 0]);
});

/** What a process remembers is bounded, and the proof about its memory tells a leak from the platform's own ups and downs. */
import { describe, expect, test } from 'vitest';
import { AnswerTimes } from '#runtime/answer-times.ts';
import { checksOf } from '../proof/memory.ts';

const mb = 1024 * 1024;

/** Samples whose heap is what `heapMb` says of each. */
function samplesOf(heapMb: (at: number) => number, answered: (at: number) => number = () => 10) {
  return Array.from({ length: 36 }, (_, at) => ({
    atSeconds: at,
    answered: answered(at),
    longestStallMs: 1,
    longestWorkMs: 1,
    heapUsedBytes: heapMb(at) * mb,
    externalBytes: 10 * mb,
    rssBytes: 200 * mb,
  }));
}

const missed = (samples: ReturnType<typeof samplesOf>) =>
  checksOf(samples).flatMap(({ rule, reached }) => (reached ? [] : [rule]));

describe('the rule about the heap', () => {
  test.each<[string, (at: number) => number]>([
    ['flat', () => 36],
    ['up while it warms up', (at) => 30 + Math.min(at, 12) / 2],
    ['up and down', (at) => 36 + (at % 5)],
    ['high while something is under way', (at) => (at > 30 && at < 35 ? 90 : 36)],
    ['a little more', (at) => 36 + at / 36],
    ['down', (at) => 60 - at],
  ])('%s is no leak', (_what, heapMb) => {
    expect(missed(samplesOf(heapMb))).toEqual([]);
  });

  test.each<[string, (at: number) => number]>([
    ['a quarter of a megabyte a sample', (at) => 36 + at / 4],
    ['so much under a saw', (at) => 36 + at / 4 + (at % 3) * 4],
    ['a step that stays', (at) => (at > 23 ? 40 : 36)],
  ])('%s is one', (_what, heapMb) => {
    expect(missed(samplesOf(heapMb))).toEqual(['the heap does not grow']);
  });

  test('a server that did nothing proves nothing', () => {
    expect(
      missed(
        samplesOf(
          () => 36,
          (at) => (at === 20 ? 0 : 5),
        ),
      ),
    ).toEqual(['messages were answered between any two samples']);
  });
});

test('answers that never come are forgotten in time, and those that come are measured', () => {
  const seconds: number[] = [];
  const times = new AnswerTimes({ count: () => {}, observe: (_name, value) => void seconds.push(value) });
  for (let at = 0; at < 50_000; at++) times.received(`never ${at}`, at);
  for (let at = 0; at < 50_000; at++) {
    times.received(`refused ${at}`, at);
    times.answered(`refused ${at}`, `send ${at}`);
  }
  times.received('late', 100_000);
  times.answered('late', 'the send');
  times.accepted('the send', 102_000);
  times.accepted('send 0', 102_000);
  expect(seconds).toEqual([2]);
});

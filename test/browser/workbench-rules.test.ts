/** What the workbench works out by itself, without a browser: the scale, the counting, and when it may say "nothing lost". */
import { describe, expect, test } from 'vitest';
import { defaultModelSettings } from '#simulator/anthropic/model-settings.ts';
import { defaultFaults } from '#simulator/faults.ts';
import { faultGroups, type TriggerFault } from '../../phone/src/workbench/fault-catalogue.ts';
import {
  isOn,
  type Readings,
  triggerOf,
  triggerPatch,
  unlistedFaults,
} from '../../phone/src/workbench/fault-settings.ts';
import { figuresOf, type Kill, verdictOf } from '../../phone/src/workbench/kill-report.ts';
import { type LifeStep, layOut, looks } from '../../phone/src/workbench/life-layout.ts';
import { Questions, quantileOf } from '../../phone/src/workbench/questions.ts';
import { durationOf } from '../../phone/src/workbench/wording.ts';
import { stepKinds } from '../../src/surface/cli/dev/workbench/life.ts';

describe('the scale of a life', () => {
  const step = (kind: string, fromMs: number, toMs: number | null): LifeStep => ({
    ...{ kind, fromMs, toMs },
    text: kind,
    detail: null,
  });

  test('keeps order and overlap, and shows a millisecond beside a minute', () => {
    const { rows, totalMs } = layOut(
      [step('webhook', 1_000, 1_003), step('turn', 1_002, 1_004), step('read', 61_000, 61_000)],
      62_000,
    );
    const [webhook, turn, read] = rows;
    expect(totalMs).toBe(60_000);
    expect(webhook!.start).toBe(0);
    expect(turn!.start).toBeGreaterThan(webhook!.start);
    expect(turn!.start).toBeLessThan(webhook!.end);
    expect(turn!.end).toBeGreaterThan(webhook!.end);
    expect(read!.start).toBeCloseTo(1);
    expect(webhook!.end - webhook!.start).toBeGreaterThan(0.05);
    expect(rows.map(({ tookMs }) => tookMs)).toEqual([3, 2, 0]);
  });

  test('a step that lasts reaches to now and has no duration', () => {
    const { rows } = layOut([step('webhook', 0, 5), step('uncertain', 5, null)], 100);
    expect(rows[1]).toMatchObject({ end: 1, tookMs: null });
  });

  test('labels never stand closer than they can be read', () => {
    const many = Array.from({ length: 60 }, (_, at) => step('turn', at * 7, at * 7 + 3));
    const { ticks } = layOut(many, 1_000);
    for (const [at, tick] of ticks.slice(1).entries()) expect(tick.at - ticks[at]!.at).toBeGreaterThan(0.15);
  });

  test('a doubt that evidence lifted is good news', () => {
    const doubt = step('uncertain', 0, 9);
    const proven = { ...doubt, detail: { ended: { how: 'proven' } } };
    expect(layOut([doubt], 9).rows[0]!.tone).toBe('warn');
    expect(layOut([proven], 9).rows[0]!.tone).toBe('good');
  });

  test('every kind of step has its look, and no look is without a kind', () => {
    expect(Object.keys(looks).sort()).toEqual(Object.keys(stepKinds).sort());
  });
});

describe('questions and answers', () => {
  const said = (wamid: string, contactId: string, atMs: number) => ({
    ...{ seq: atMs, kind: 'said', type: 'text', phoneNumberId: '1' },
    ...{ wamid, contactId, atMs },
  });
  const accepted = (contactId: string, atMs: number) => ({
    ...{ seq: atMs, kind: 'sendAccepted', phoneNumberId: '1' },
    ...{ wamid: 'w', contactId, atMs },
  });

  test('one answer closes all that stands open in its conversation, and nothing elsewhere', () => {
    const questions = new Questions();
    for (const event of [said('a', 'mia', 1), said('b', 'mia', 2), said('c', 'bo', 3), accepted('mia', 50)])
      questions.note(event);
    expect([questions.asked, questions.answered, questions.waiting]).toEqual([3, 2, 1]);
    expect(questions.open().map(({ wamid }) => wamid)).toEqual(['c']);
    expect(questions.seconds).toEqual([{ second: 0, tookMs: [49, 48] }]);
  });

  test('a reaction asks for nothing, and a jump of the clock is no wait', () => {
    const questions = new Questions();
    expect(questions.note({ ...said('r', 'mia', 1), type: 'reaction' })).toBeNull();
    questions.note(said('a', 'mia', 1_000));
    questions.note(accepted('mia', 25 * 3_600_000));
    expect([questions.asked, questions.answered]).toEqual([1, 1]);
    expect(questions.seconds).toEqual([]);
  });

  test('quantiles', () => {
    expect(quantileOf([], 0.5)).toBeNull();
    expect(quantileOf([5, 1, 9], 0.5)).toBe(5);
    expect(quantileOf([5, 1, 9], 0.95)).toBe(9);
  });
});

describe('what a kill is said to have done', () => {
  const kill = (answeredAtMs: readonly (number | null)[], over: Partial<Kill> = {}): Kill => ({
    ...{ pid: 1, killedAtMs: 0, downMs: 800, waitingMax: 2, isCut: false },
    concerned: answeredAtMs.map((at, index) => ({ wamid: `${index}`, askedAtMs: 0, answeredAtMs: at })),
    ...over,
  });

  test('"nothing lost" only when every question that it concerned has its answer', () => {
    expect(verdictOf(kill([1, 2, 3]))).toBe('Nothing lost: 3 of 3 answered.');
    expect(figuresOf(kill([1, null, 3]))).toMatchObject({ answered: 2, waiting: 1, isNothingLost: null });
    expect(verdictOf(kill([1, null, 3]))).toBe('Up again: 1 question still without an answer.');
  });

  test('never while it is down, never without a question, never where the page lost sight', () => {
    for (const each of [kill([1], { downMs: null }), kill([]), kill([1], { isCut: true })]) {
      expect(figuresOf(each).isNothingLost).toBeNull();
      expect(verdictOf(each)).not.toMatch(/nothing lost/i);
    }
  });
});

describe('the faults', () => {
  const readings: Readings = {
    faults: { ...defaultFaults() },
    model: { ...defaultModelSettings() },
    fired: {},
  };
  const all = faultGroups.flatMap(({ faults }) => [...faults]);
  const find = (key: string) => all.find((fault) => fault.key === key) as TriggerFault;

  test('the panel has words for each fault of the simulator, and none that does not exist', () => {
    expect(unlistedFaults(readings)).toEqual([]);
    for (const fault of all) {
      const settings = fault.door === 'model' ? readings.model : readings.faults;
      const name = fault.kind === 'level' ? fault.path[0] : fault.key.replace(/^model\.|\.\d+$/g, '');
      expect(Object.keys(settings), fault.key).toContain(name);
      expect(isOn(readings, fault), fault.key).toBe(false);
    }
  });

  test('of the errors that are answered one is changed and the others stay', () => {
    const graphError = [{ code: 130429, rate: 0.5, next: 0 }];
    const set: Readings = { ...readings, faults: { ...readings.faults, graphError } };
    const pace = find('graphError.131056');
    expect(triggerPatch(set, pace, { next: 1 })).toEqual({
      graphError: [...graphError, { code: 131056, next: 1 }],
    });
    expect(triggerOf(set, find('graphError.130429'))).toEqual({ rate: 0.5, next: 0 });
    expect(triggerPatch(set, find('graphError.130429'), { rate: 0 })).toEqual({ graphError: [] });
  });
});

test.each([
  [0.4, '0 ms'],
  [412, '412 ms'],
  [1_204, '1.2 s'],
  [3_060, '3.06 s'],
  [59_960, '1 min'],
  [250_000, '4 min 10 s'],
  [25 * 3_600_000, '25 h'],
  [(25 * 60 + 30) * 60_000, '25 h 30 min'],
  [74 * 3_600_000, '3 d 2 h'],
])('%d ms reads %s', (ms, words) => {
  expect(durationOf(ms)).toBe(words);
});

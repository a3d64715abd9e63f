/** What a dialog of steps shows as buttons, list or text, and what is refused before anybody meets it. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import { DialogRefused } from '#core/dialog/dialog.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';

const hourMs = 3_600_000;

describe('how options are shown', () => {
  const offering = (count: number, title = (n: number) => `Option ${n}`) => {
    const options = Array.from({ length: count }, (_, n) => ({ id: `o${n}`, title: title(n) }));
    const dialog = defineDialog({
      name: 'offers',
      version: 1,
      context: z.object({ chosen: z.string().optional() }),
      start: 'pick',
      states: ({ choose, end }) => ({
        pick: choose({ question: 'Which?', options, keep: 'chosen', next: 'done' }),
        done: end({ say: ({ chosen }) => `So ${chosen}.` }),
      }),
    });
    return driveDialog(dialog).say('hi');
  };

  test('three as buttons, ten as a list, more or longer ones as numbered text', () => {
    offering(3)
      .sees({ type: 'interactive', options: ['Option 2'] })
      .tap('Option 2')
      .sees('So o2.');
    offering(10)
      .sees({ type: 'interactive', options: ['Option 9'] })
      .tap('Option 9')
      .sees('So o9.');
    const many = offering(11);
    many
      .sees(/^Which\?\n\n1\. Option 0\n.*11\. Option 10$/s)
      .say('11')
      .sees('So o10.');
    const long = offering(2, (n) => `A title that is much too long for a button, ${n}`);
    long
      .sees({ type: 'text', text: /1\. A title that is/ })
      .say('2')
      .sees('So o1.');
    offering(2, () => 'the same').sees({ type: 'text' });
  });
});

test.each([
  ['👍', '👍', 'o0'],
  ['👎️', '👎', 'o1'],
  ['c', 'C', 'o2'],
  ['C++', 'C++', 'o3'],
  ['什么', '什么', 'o4'],
  ['СРЕДНИЙ', 'Средний', 'o5'],
  ['c?', null, null],
])('"%s" is the option %s', (written, _, id) => {
  const titles = ['👍', '👎', 'C', 'C++', '什么', 'Средний'];
  const dialog = defineDialog({
    name: 'signs',
    version: 1,
    context: z.object({ chosen: z.string().optional() }),
    start: 'pick',
    states: ({ choose, end }) => ({
      pick: choose({
        question: 'Which?',
        options: titles.map((title, nth) => ({ id: `o${nth}`, title })),
        keep: 'chosen',
        next: 'done',
      }),
      done: end({ say: 'Thank you.' }),
    }),
  });
  const ana = driveDialog(dialog).say('hi').say(written);
  expect(ana.context.chosen ?? null).toBe(id);
});

test('an option may be called like a command, and is what is meant then', () => {
  const dialog = defineDialog({
    name: 'helper',
    version: 1,
    context: z.object({}),
    start: 'pick',
    states: ({ choose, end }) => ({
      pick: choose({
        question: 'What now?',
        options: [
          { id: 'stop', title: 'Cancel', next: 'stopped' },
          { id: 'helper', title: 'Helper', next: 'stopped' },
        ],
      }),
      stopped: end({ say: 'Stopped.' }),
    }),
  });
  driveDialog(dialog).say('hi').say('cancel').sees('Stopped.');
  driveDialog(dialog)
    .say('hi')
    .say('help')
    .sees(/^Answer the question below/);
});

test('an option may lead back to its own question', () => {
  const dialog = defineDialog({
    name: 'more',
    version: 1,
    context: z.object({}),
    start: 'pick',
    states: ({ choose, end }) => ({
      pick: choose({
        question: 'Which?',
        options: [
          { id: 'same', title: 'Same again', next: 'pick' },
          { id: 'more', title: 'More', next: { say: 'There is more.' } },
          { id: 'out', title: 'Out', next: 'done' },
        ],
      }),
      done: end({ say: 'Bye.' }),
    }),
  });
  const ana = driveDialog(dialog).say('hi');
  expect(ana.tap('Same again').said).toEqual(['Which?\n[Same again] [More] [Out]']);
  expect(ana.tap('More').said).toEqual(['There is more.', 'Which?\n[Same again] [More] [Out]']);
  expect(ana.tap('Out').said).toEqual(['Bye.']);
});

describe('what would fail at night is refused', () => {
  const base = { name: 'bad', version: 1, context: z.object({}), start: 'a' };
  const refused = (make: () => unknown) => {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(DialogRefused);
      return (error as Error).message;
    }
    throw new Error('It was not refused.');
  };

  test('a way that leads nowhere', () => {
    expect(
      refused(() =>
        defineDialog({ ...base, states: ({ ask }) => ({ a: ask({ question: 'A?', next: 'b' }) }) }),
      ),
    ).toMatch(/a leads to "b", which is no step.*beginning/);
    expect(refused(() => defineDialog({ ...base, states: () => ({}) }))).toMatch(/start leads to "a"/);
  });

  test('a language that lacks words', () => {
    const states = ({ end }: { end: () => never }) => ({ a: end() });
    const texts = { en: { hi: 'Hi', bye: 'Bye' }, es: { hi: 'Hola' } };
    expect(refused(() => defineDialog({ ...base, states, texts } as never))).toMatch(/"es" lack bye/);
    const french = { fr: { hi: 'Salut' } };
    expect(refused(() => defineDialog({ ...base, states, texts: french } as never))).toMatch(
      /"fr" lack wrongText/,
    );
  });

  test('what is remembered cannot begin, options cannot be told apart, a reminder comes too late', () => {
    const end = { states: (steps: { end: () => never }) => ({ a: steps.end() }) };
    expect(
      refused(() => defineDialog({ ...base, ...end, context: z.object({ n: z.number() }) } as never)),
    ).toMatch(/at n.*default/s);
    expect(
      refused(() => defineDialog({ ...base, ...end, later: { remindAfterMs: 24 * hourMs } } as never)),
    ).toMatch(/no reminder/);
    const options = [
      { id: 'x', title: 'X', next: 'a' },
      { id: 'x', title: 'Y', next: 'a' },
    ];
    expect(
      refused(() =>
        defineDialog({ ...base, states: ({ choose }) => ({ a: choose({ question: 'A?', options }) }) }),
      ),
    ).toMatch(/"x" is there twice/);
  });
});

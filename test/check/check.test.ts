import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, createMachine, fromPromise, raise, setup } from 'xstate';
import { assistant } from '#core/dialog/assistant.ts';
import { assumed } from '#core/dialog/check/assumed.ts';
import { checkDialog } from '#core/dialog/check/check.ts';
import { type Dialog, defineDialog, dialogActions, dialogGuards } from '#core/dialog/dialog.ts';
import { tableBooking } from '../../templates/project/dialogs/table-booking.ts';
import { effectsOf, text, textsOf, turn } from '../dialog/turns.ts';
import { paidDrawing, say } from './planted/words.ts';

const errorsOf = (dialog: Dialog) =>
  checkDialog(dialog).report.findings.filter(({ severity }) => severity === 'error');

const chatting = (states: object, more: Partial<Dialog> = {}): Dialog =>
  defineDialog({
    name: 'test',
    version: 1,
    activities: { draw: paidDrawing },
    unexpectedText: () => 'In words, please.',
    machine: setup({
      actions: dialogActions,
      guards: { ...dialogGuards, isYes: ({ event }) => (event as { text?: string }).text === 'yes' },
      actors: { draw: fromPromise(() => new Promise(() => {})) },
    }).createMachine({ initial: 'first', states: states as never }) as unknown as AnyStateMachine,
    ...more,
  });

describe('what we ship is proven', () => {
  test.each([assistant, tableBooking])('$name', (dialog) => {
    const { report } = checkDialog(dialog);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ isProven: true, bounds: [], sampled: [], assumptions: [] });
  });
});

test('a bound that is met is told, and nothing is proven then', () => {
  const { report } = checkDialog(assistant, { configurationsMax: 3, stepsMax: 1_000_000 });
  expect(report).toMatchObject({ isProven: false, bounds: ['3 configurations'] });
  expect(checkDialog(assistant, { configurationsMax: 99, stepsMax: 10 }).report.bounds).toEqual(['10 steps']);
});

test('work that is started again by its own fault is told as that, each with its own chat', () => {
  const drawing = (onError: string) => ({
    invoke: {
      src: 'draw',
      onDone: { target: 'end', actions: say('Here.') },
      onError: { target: onError, actions: say('It failed.') },
    },
  });
  const paid = errorsOf(
    chatting({
      first: { on: { text: { target: 'drawing', actions: say('I draw.') } } },
      drawing: drawing('anew'),
      anew: drawing('first'),
      end: { type: 'final' },
    }),
  );
  expect(paid.map(({ rule, says }) => [rule, says])).toEqual([
    ['paidTwice', expect.stringContaining('a person takes over while it runs (drawing)')],
    ['paidTwice', expect.stringContaining('one action of the customer leads to two starts')],
  ]);
  expect(paid[0]?.transcript.join('\n')).toContain('a person took over');
  expect(paid[1]?.transcript.join('\n')).toMatch(/Customer: hello.*\(draw fails\).*a second time/s);
});

test('options that no sample shows are told, unless the state lists them', () => {
  type Shelf = { context: { rows: { id: string }[] } };
  const offering = (meta: object) =>
    chatting({
      first: { on: { text: 'shelf' } },
      shelf: {
        ...meta,
        entry: {
          type: 'say',
          // There is no context, so this throws here.
          params: ({ context }: Shelf) => ({ text: context.rows.map(({ id }) => id).join() }),
        },
        on: { listChoice: { target: 'end', actions: say('Yours.') } },
      },
      end: { type: 'final' },
    });
  expect(checkDialog(offering({})).report.sampled).toEqual([
    expect.stringMatching(/^what shelf offers: .*meta: \{ nightdesk/),
  ]);
  const listed = { meta: { nightdesk: { options: ['red', 'blue'] } } };
  expect(checkDialog(offering(listed)).report).toMatchObject({ isProven: true, sampled: [] });
});

test('a guard that reads only what is known is computed, any other is taken both ways', () => {
  const ends = (guard: object) =>
    chatting({
      first: { on: { text: { target: 'drawing', actions: say('I draw.') } } },
      drawing: {
        invoke: {
          src: 'draw',
          onDone: { target: 'end', actions: say('Here.') },
          onError: [
            { ...guard, target: 'first', actions: say('Not now.') },
            { target: 'first', actions: say('It failed.') },
          ],
        },
      },
      end: { type: 'final' },
    });
  const codeIs = (code: string) => ({
    guard: ({ event }: { event: unknown }) => (event as { error: { code: string } }).error.code === code,
  });
  expect(checkDialog(ends(codeIs('deadline'))).report.findings).toEqual([]);
  const words = checkDialog(ends(codeIs('deadline')))
    .graph.edges.filter(({ happening }) => happening.failure === 'deadline')
    .flatMap(({ said }) => said);
  expect(new Set(words)).toEqual(new Set(['Bot: Not now.']));
  const both = checkDialog(ends({ guard: 'isYes' }))
    .graph.edges.filter(({ happening }) => happening.failure === 'otherwise')
    .flatMap(({ said }) => said);
  expect(both).toContain('Bot: It failed.');
});

describe('an assumption', () => {
  const isRight = assumed(
    'the code is right',
    ({ event }: { event: { text?: string } }) => event.text === '4711',
  );
  const dialog = defineDialog({
    name: 'assuming',
    version: 1,
    activities: {},
    unexpectedText: () => 'In words, please.',
    machine: setup({
      types: { events: {} as { type: 'text'; text?: string } },
      actions: dialogActions,
      guards: { isRight },
    }).createMachine({
      initial: 'code',
      states: {
        code: { on: { text: { guard: 'isRight', target: 'end', actions: say('Right.') } } },
        end: { type: 'final' },
      },
    }),
  });

  test('is followed one way only, and listed', () => {
    const { unexpectedText: _, ...strict } = dialog;
    expect(errorsOf(strict).flatMap(({ says }) => says)).toHaveLength(1);
    expect(errorsOf(strict)[0]?.says).not.toContain('to: text');
    expect(checkDialog(dialog).report).toMatchObject({
      isProven: true,
      assumptions: [{ name: 'the code is right', guard: 'isRight' }],
    });
  });

  test('that does not hold at run time makes a dead letter with a fallback text and a flag', () => {
    expect(textsOf(turn(dialog, [text('4711')]))).toEqual(['Right.']);
    const output = turn(dialog, [text('wrong')]);
    expect(output.deadLetters[0]?.fault).toContain('The assumption "the code is right" does not hold');
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'deadLetter' }]);
  });
});

describe('I12: dead ends', () => {
  const resting = (meta: object) =>
    chatting({
      first: { on: { text: { target: 'chatting', actions: say('Ask me anything.') } } },
      chatting: { ...meta, on: { text: { actions: say('42.') } } },
    });

  test('a state where conversations may rest for good says so', () => {
    expect(errorsOf(resting({})).map(({ rule, where }) => [rule, where])).toEqual([['deadEnd', 'chatting']]);
    expect(errorsOf(resting({ meta: { nightdesk: { home: true } } }))).toEqual([]);
  });

  test('a hand-off ends in the hands of a person, and leads on when they hand back', () => {
    const handing = (handedBack: object) =>
      chatting({
        first: {
          on: { text: { target: 'person', actions: [say('One moment.'), { type: 'handOff', params: {} }] } },
        },
        person: { on: handedBack },
      });
    expect(errorsOf(handing({ handedBack: 'first' }))).toEqual([]);
    expect(errorsOf(handing({})).map(({ rule }) => rule)).toEqual(['deadEnd']);
  });

  test('a work that a person interrupts must lead on from its failure', () => {
    const drawing = (onError: object) =>
      chatting({
        first: { on: { text: { target: 'drawing', actions: say('I draw.') } } },
        drawing: { invoke: { src: 'draw', onDone: { target: 'end', actions: say('Here.') }, ...onError } },
        end: { type: 'final' },
      });
    expect(errorsOf(drawing({ onError: { target: 'first', actions: say('Sorry.') } }))).toEqual([]);
    const [error] = errorsOf(drawing({ onError: { actions: say('Sorry.') } }));
    expect(error).toMatchObject({ rule: 'deadEnd', where: 'drawing' });
  });
});

describe('paid work', () => {
  const paying = (tries: object) =>
    chatting({
      first: { on: { text: { target: 'drawing', actions: say('I draw.') } } },
      drawing: { invoke: { src: 'draw', onDone: { target: 'end', actions: say('Here.') }, onError: tries } },
      sorry: { on: { text: { target: 'drawing', actions: say('Once more.') } } },
      end: { type: 'final' },
    });

  test('may be started anew by another message', () => {
    expect(errorsOf(paying({ target: 'sorry', actions: say('Again?') }))).toEqual([]);
  });

  test('may not be started anew by a guard that sometimes says so', () => {
    const [error] = errorsOf(
      paying([
        { guard: 'isYes', target: 'drawing', reenter: true },
        { target: 'sorry', actions: say('Again?') },
      ]),
    );
    expect(error).toMatchObject({ rule: 'paidTwice', where: 'draw' });
    expect(error?.transcript.join('\n')).toContain('if isYes: yes');
  });

  test('two regions that start it at once are found', () => {
    const region = {
      initial: 'go',
      states: { go: { invoke: { src: 'draw', onDone: 'over', onError: 'over' } }, over: {} },
    };
    const errors = errorsOf(
      chatting({
        first: { on: { text: { target: 'both', actions: say('Two at once.') } } },
        both: { type: 'parallel', states: { left: region, right: region }, on: { text: 'first' } },
      }),
    );
    expect(errors.map(({ says }) => says)).toContain(
      'The paid activity draw can be paid twice: one step starts it twice.',
    );
  });
});

test('transitions that go round without an event are told, and not followed for ever', () => {
  const errors = errorsOf({
    ...chatting({ first: {} }),
    machine: createMachine({
      initial: 'first',
      states: {
        first: { on: { text: 'ping' } },
        ping: { always: 'pong' },
        pong: { always: 'ping' },
      },
    }),
  });
  expect(errors.map(({ says }) => says)).toContain(
    'In the beginning transitions without an event lead round in a circle.',
  );
});

test('a raised event that a guard lets pass is followed', () => {
  const { report } = checkDialog(
    chatting({
      first: {
        on: {
          text: { actions: [raise({ type: 'go' }), say('Hello.')] },
          go: { guard: 'isYes', target: 'end' },
        },
      },
      end: { type: 'final' },
    }),
  );
  expect(report.findings).toEqual([]);
});

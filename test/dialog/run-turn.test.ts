import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { assistant } from '#core/dialog/assistant.ts';
import { type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { inDialogOrder } from '#core/dialog/dialog-order.ts';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { runTurn } from '#core/dialog/run-turn.ts';
import { limits } from '#core/limits.ts';
import type { EventKind, MailboxEvent } from '#core/model/events.ts';
import { brittle, changed, greeter } from '../virtual/dialogs.ts';
import { effectsOf, event, inputOf, nowMs, text, textsOf, turn } from './turns.ts';

const kinds: EventKind[] = [
  'text',
  'image',
  'sticker',
  'reaction',
  'edit',
  'system',
  'echo',
  'standby',
  'handedBack',
  'business',
  'unsupported',
  'timer',
  'activityDone',
  'activityFailed',
];
const words = [
  'hello',
  'ask',
  'never mind',
  'remind me',
  'bye',
  'count',
  'break',
  'break in a guard',
  'anything',
];

const anyEvent: fc.Arbitrary<MailboxEvent> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    text: fc.constantFrom(...words),
    activityId: fc.constantFrom('act_1_1', 'act_2_1', 'act_0'),
    ageMs: fc.constantFrom(0, 0, 0, 1_000, limits.serviceWindowMs + 1),
    group: fc.boolean(),
  })
  .map(({ kind, ageMs, group, ...content }) => {
    const fault = kind === 'activityFailed' ? { fault: { code: 'deadline', message: 'late' } } : {};
    const result = kind === 'activityDone' ? { result: { text: content.text } } : {};
    const inGroup = group && kind === 'text' ? { groupId: 'group' } : {};
    return event(kind, { ...content, ...fault, ...result, ...inGroup }, { sentAtMs: nowMs - ageMs });
  });

/** The same events with the positions of one mailbox. */
function numbered(batches: MailboxEvent[][]): MailboxEvent[][] {
  let position = 0;
  return batches.map((batch) =>
    batch.map((each) => {
      position += 1;
      return { ...each, position };
    }),
  );
}

const dialogs = { assistant, brittle, greeter };
type Name = keyof typeof dialogs;

describe('any turns of any events', () => {
  const anyTurns = fc.record({
    name: fc.constantFrom<Name>('assistant', 'brittle', 'greeter'),
    batches: fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
    more: fc.boolean(),
    refused: fc.boolean(),
  });

  test('are pure: the same input gives the same output, and is left as it was', () => {
    fc.assert(
      fc.property(anyTurns, ({ name, batches, more, refused }) => {
        let stored: string | null = null;
        for (const batch of numbered(batches)) {
          const options = { stored, more, refused: refused ? [{ name: 'reply', limit: 'some' }] : [] };
          const before = structuredClone(batch);
          const first = runTurn(inputOf(dialogs[name], batch, options));
          expect(runTurn(inputOf(dialogs[name], batch, options))).toEqual(first);
          expect(batch).toEqual(before);
          expect(structuredClone(first)).toEqual(first);
          stored = first.state;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('consume every event exactly once (I3)', () => {
    fc.assert(
      fc.property(anyTurns, ({ name, batches, more }) => {
        let stored: string | null = null;
        for (const batch of numbered(batches)) {
          const output = turn(dialogs[name], batch, { stored, more });
          const positions = output.consumed.map((each) => each.position).sort((a, b) => a - b);
          expect(positions).toEqual(batch.map((each) => each.position));
          stored = output.state;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('leave no customer in silence: what nothing is said about waits for an activity or a timer, or is flagged (I9)', () => {
    fc.assert(
      fc.property(anyTurns, ({ name, batches }) => {
        let stored: string | null = null;
        for (const batch of numbered(batches)) {
          const output = turn(dialogs[name], batch, { stored });
          stored = output.state;
          const awaiting = output.consumed
            .filter((each) => each.end === 'awaiting')
            .map((each) => each.position);
          const answered = Math.max(
            0,
            ...output.effects.map((effect) =>
              'answersThrough' in effect ? (effect.answersThrough ?? Infinity) : 0,
            ),
          );
          const { activities, timers } = JSON.parse(output.state);
          const isMoving = Object.keys(activities).length + Object.keys(timers).length > 0;
          if (!isMoving) expect(awaiting.filter((each) => each > answered)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('say at most one fallback text', () => {
    fc.assert(
      fc.property(anyTurns, ({ name, batches }) => {
        const output = turn(dialogs[name], numbered([batches.flat()]).flat(), {});
        const texts = textsOf(output).filter((each) => each === defaultTexts.fallback);
        expect(texts.length).toBeLessThanOrEqual(1);
        expect(output.fallbackSent).toBe(texts.length === 1);
      }),
      { numRuns: 100 },
    );
  });

  test('name in their state exactly the activities and timers that were started and not ended (I8)', () => {
    fc.assert(
      fc.property(anyTurns, ({ name, batches }) => {
        let stored: string | null = null;
        const running = new Set<string>();
        const started = new Set<string>();
        for (const each of numbered(batches)) {
          // A result of what no committed turn has started yet cannot be in a mailbox.
          const isPossible = ({ kind, content }: MailboxEvent) =>
            !kind.startsWith('activity') ||
            content.activityId === 'act_0' ||
            started.has(content.activityId ?? '');
          const batch = each.filter(isPossible);
          const output = turn(dialogs[name], batch, { stored });
          stored = output.state;
          for (const each of batch)
            if (each.content.activityId !== undefined && each.kind.startsWith('activity'))
              running.delete(each.content.activityId);
          for (const { activityId } of effectsOf(output, 'cancelActivity')) running.delete(activityId);
          for (const { activityId } of effectsOf(output, 'startActivity')) {
            running.add(activityId);
            started.add(activityId);
          }
          expect(new Set(Object.values(JSON.parse(stored).activities))).toEqual(running);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('order', () => {
  test("messages side by side are seen by WhatsApp's time, then by position; what is ours keeps its place", () => {
    const late = text('b', { position: 1, sentAtMs: nowMs + 2_000 });
    const early = text('a', { position: 2, sentAtMs: nowMs });
    const result = event('activityDone', {}, { position: 3 });
    const next = text('c', { position: 4, sentAtMs: nowMs - 5_000 });
    const same = text('d', { position: 5, sentAtMs: nowMs - 5_000 });
    expect(inDialogOrder([late, early, result, next, same]).map((each) => each.position)).toEqual([
      2, 1, 3, 4, 5,
    ]);
  });

  test('what is said answers all that the dialog has seen by then, also what stands behind it in the mailbox', () => {
    const dialog = defineDialog({
      name: 'patient',
      version: 1,
      machine: setup({
        types: { context: {} as { heard: number }, events: {} as DialogEvent },
        actions: { ...dialogActions, note: assign({ heard: ({ context }) => context.heard + 1 }) },
        guards: { ends: ({ event }) => event.text === 'end' },
      }).createMachine({
        context: { heard: 0 },
        on: {
          text: [{ guard: 'ends', actions: { type: 'say', params: { text: 'heard' } } }, { actions: 'note' }],
        },
      }),
    });
    const late = text('end', { position: 1, sentAtMs: nowMs });
    const early = text('a', { position: 2, sentAtMs: nowMs - 2_000 });
    const output = turn(dialog, [late, early]);
    expect(effectsOf(output, 'send').map((send) => send.answersThrough)).toEqual([2]);
  });

  test('is a reordering: nothing is added, nothing left out', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => {
        const ordered = inDialogOrder(events);
        expect(ordered).toHaveLength(events.length);
        expect(new Set(ordered)).toEqual(new Set(events));
      }),
    );
  });
});

describe('visits of a state (I8)', () => {
  const asked = turn(brittle, [text('ask')]);
  const [start] = effectsOf(asked, 'startActivity');

  test('a result of the present visit moves the dialog', () => {
    const done = event('activityDone', { activityId: start!.activityId, result: { text: 'an answer' } });
    const output = turn(brittle, [done], { stored: asked.state });
    expect([textsOf(output), output.late, output.stateLabel]).toEqual([['an answer'], 0, 'brittle/idle']);
  });

  test('one of an earlier visit, of another conversation or of nothing changes nothing and is counted', () => {
    const left = turn(brittle, [text('never mind')], { stored: asked.state });
    const again = turn(brittle, [text('ask')], { stored: left.state });
    for (const activityId of [start!.activityId, 'act_of_nobody', undefined]) {
      const content = { result: { text: 'an answer' }, ...(activityId === undefined ? {} : { activityId }) };
      const output = turn(brittle, [event('activityDone', content)], { stored: again.state });
      expect([output.effects, output.late, output.state]).toEqual([[], 1, again.state]);
    }
  });

  test('an activity that starts and ends in one turn leaves no trace', () => {
    const output = turn(brittle, [text('ask'), text('never mind')]);
    expect(output.effects.map((effect) => effect.type)).toEqual(['send']);
    const reentered = turn(brittle, [text('ask'), text('never mind'), text('ask')]);
    expect(effectsOf(reentered, 'startActivity')).toHaveLength(1);
    expect(effectsOf(reentered, 'cancelActivity')).toEqual([]);
  });

  test('a timer carries the token of its visit; another token fires nothing', () => {
    const waiting = turn(brittle, [text('remind me')]);
    const [timer] = effectsOf(waiting, 'setTimer');
    const old = event('timer', { timerId: timer!.timerId, timerToken: 'tmr_old' });
    expect(turn(brittle, [old], { stored: waiting.state })).toMatchObject({ late: 1, effects: [] });
    const due = event('timer', { timerId: timer!.timerId, timerToken: timer!.token });
    expect(textsOf(turn(brittle, [due], { stored: waiting.state }))).toEqual(['here is your reminder']);
    const left = turn(brittle, [text('never mind')], { stored: waiting.state });
    expect(effectsOf(left, 'cancelTimer').map((each) => each.timerId)).toEqual([timer!.timerId]);
  });
});

test.each(['', ' \n'])(
  'a dialog that says a blank text (%j) is at fault: nobody waits for words that never leave (I9, seed 56)',
  (blank) => {
    const asked = turn(brittle, [text('ask')]);
    const { activities } = JSON.parse(asked.state);
    const answered = event('activityDone', { activityId: activities.reply, result: { text: blank } });
    const output = turn(brittle, [answered], { stored: asked.state });
    expect(output.deadLetters).toMatchObject([{ position: answered.position }]);
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'deadLetter' }]);
    expect(textsOf(output)).toEqual([defaultTexts.fallback]);
  },
);

describe('a refused activity', () => {
  test('ends in its error within the turn, and the refusal answers one start only', () => {
    const output = turn(assistant, [text('hello')], {
      refused: [{ name: 'reply', limit: 'repliesPerContactPerHour' }],
    });
    expect(effectsOf(output, 'startActivity')).toEqual([]);
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'mutedByLimit' }]);
    expect(textsOf(output)).toEqual([defaultTexts.muted]);
    expect(output.stateLabel).toBe('assistant/idle');
  });
});

describe('a stored state that cannot be had back', () => {
  test.each([
    [
      'of another version with other states',
      turn(greeter, [text('hello')])
        .state.replace('"first"', '"gone"')
        .replace('"version":1', '"version":2'),
    ],
    ['of another dialog', turn(brittle, [text('hello')]).state],
    ['that is no JSON', '{'],
    ['that is null', 'null'],
    [
      'of a machine that has other states now',
      turn(greeter, [text('hello')]).state.replace('"first"', '"gone"'),
    ],
  ])('%s: the dialog begins anew with a flag', (_what, stored) => {
    const output = turn(greeter, [text('hello')], { stored });
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'dialogChanged' }]);
    expect(textsOf(output)).toEqual(['welcome', 'yes?']);
  });

  test('its activities and timers are ended, and who waited is told', () => {
    const asked = turn(brittle, [text('ask')]);
    const output = turn(changed(brittle), [text('hello')], { stored: asked.state });
    expect(effectsOf(output, 'cancelActivity')).toHaveLength(1);
    expect(textsOf(output)).toEqual([defaultTexts.fallback, 'hi']);
    const waiting = turn(brittle, [text('remind me')]);
    expect(
      effectsOf(turn(changed(brittle), [text('hello')], { stored: waiting.state }), 'cancelTimer'),
    ).toHaveLength(1);
  });
});

describe('a turn that failed before', () => {
  test('makes dead letters of its events without running them, ends what was under way and begins anew', () => {
    const asked = turn(brittle, [text('ask')]);
    const output = turn(brittle, [text('hello')], {
      stored: asked.state,
      more: true,
      failed: 'it cannot be written',
    });
    expect(output.deadLetters).toMatchObject([{ fault: 'it cannot be written' }]);
    expect(effectsOf(output, 'cancelActivity')).toHaveLength(1);
    expect(textsOf(output)).toEqual([defaultTexts.fallback]);
    expect(output.stateLabel).toBe('brittle/notBegun');
  });
});

test('the fallback text keeps quiet for fallbackQuietMs, also after the clock was set back', () => {
  const said = (lastFallbackAtMs: number | null) =>
    textsOf(turn(brittle, [text('break')], { lastFallbackAtMs }));
  expect(said(null)).toEqual([defaultTexts.fallback]);
  expect(said(nowMs - limits.fallbackQuietMs + 1)).toEqual([]);
  expect(said(nowMs - limits.fallbackQuietMs)).toEqual([defaultTexts.fallback]);
  expect(said(nowMs + 3_600_000)).toEqual([defaultTexts.fallback]);
});

import { describe, expect, test } from 'vitest';
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  fromPromise,
  log,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import {
  type Dialog,
  type DialogEvent,
  DialogRefused,
  defineDialog,
  dialogActions,
} from '#core/dialog/dialog.ts';
import { limits } from '#core/limits.ts';
import type { MailboxEvent } from '#core/model/events.ts';
import { effectsOf, event, text, textsOf, turn } from './turns.ts';

const work = fromPromise(() => Promise.resolve(1));
const base = setup({ types: { events: {} as DialogEvent }, actions: dialogActions, actors: { work } });
const dialogOf = (machine: AnyStateMachine, more: Partial<Dialog> = {}): Dialog => ({
  name: 'test',
  version: 1,
  machine,
  activities: {},
  ...more,
});

describe('defineDialog refuses what would fail at night', () => {
  test.each(['', '1st', 'a b', 'a/b', 'x'.repeat(65)])('the name "%s"', (name) => {
    expect(() => defineDialog(dialogOf(base.createMachine({}), { name }))).toThrow(DialogRefused);
  });

  test('an activity that is not declared, wherever its state stands', () => {
    const machine = base.createMachine({
      initial: 'a',
      states: { a: { initial: 'b', states: { b: { invoke: { src: 'work' } } } } },
    });
    expect(() => defineDialog(dialogOf(machine))).toThrow(/\.a\.b invokes "work"/);
    defineDialog(dialogOf(machine, { activities: { work: { deadlineMs: () => 1 } } }));
  });

  test('an inline actor', () => {
    const machine = createMachine({ invoke: { src: work } });
    expect(() => defineDialog(dialogOf(machine))).toThrow(/not a declared activity/);
  });

  test('an inline action, at entry, exit or on the way', () => {
    for (const node of [{ entry: () => {} }, { exit: () => {} }, { on: { text: { actions: () => {} } } }]) {
      expect(() => defineDialog(dialogOf(createMachine(node)))).toThrow(/inline action function/);
    }
  });

  test('a named action that the runtime does not carry out', () => {
    const machine = setup({ actions: { ...dialogActions, shout: () => {} } }).createMachine({
      entry: 'shout',
    });
    expect(() => defineDialog(dialogOf(machine))).toThrow(/"shout", which is not one of dialogActions/);
  });

  test.each([
    ['sendTo', sendTo('other', { type: 'x' })],
    ['emit', emit({ type: 'x' })],
    ['log', log('words')],
  ])('%s, which nobody would hear', (_name, action) => {
    expect(() => defineDialog(dialogOf(createMachine({ on: { text: { actions: action } } })))).toThrow(
      /would be lost/,
    );
  });

  test('spawnChild of what is not declared', () => {
    const machine = base.createMachine({ on: { text: { actions: spawnChild('work', { id: 'w' }) } } });
    expect(() => defineDialog(dialogOf(machine))).toThrow(/not a declared activity/);
    const output = turn(defineDialog(dialogOf(machine, { activities: { work: { deadlineMs: () => 1 } } })), [
      text('go'),
    ]);
    expect(effectsOf(output, 'startActivity')).toMatchObject([{ name: 'work' }]);
  });

  test('a machine that cannot begin', () => {
    const machine = createMachine({
      context: () => {
        throw new Error('no context');
      },
    });
    expect(() => defineDialog(dialogOf(machine))).toThrow(/cannot begin: no context/);
  });
});

describe('what only shows when it runs is a dead letter, not silence', () => {
  test('an actor made by spawn inside assign', () => {
    const stray = assign({
      stray: ({ spawn }: { spawn: (src: 'work') => unknown }) => spawn('work'),
    } as never);
    const machine: unknown = base.createMachine({ context: {}, on: { text: { actions: stray } } } as never);
    const output = turn(defineDialog(dialogOf(machine as AnyStateMachine)), [text('go')]);
    expect(output.deadLetters).toMatchObject([{ fault: expect.stringMatching(/spawn inside assign/) }]);
    expect(textsOf(output)).toHaveLength(1);
  });

  test('a state that is too large to be stored', () => {
    const hoard = assign({ words: 'x'.repeat(limits.snapshotBytesMax) });
    const machine: unknown = base.createMachine({
      context: { words: '' },
      on: { text: { actions: hoard } },
    } as never);
    expect(() => turn(defineDialog(dialogOf(machine as AnyStateMachine)), [text('go')])).toThrow(
      /may be stored/,
    );
  });
});

test('a long text leaves as several sends that together say all of it, and only the first quotes', () => {
  const long = Array.from({ length: 900 }, (_, i) => `Sentence number ${i}.`).join(' ');
  const machine = base.createMachine({
    on: { text: { actions: { type: 'say', params: { text: long, quoteWamid: 'wamid.1' } } } },
  });
  const sends = effectsOf(turn(defineDialog(dialogOf(machine)), [text('go')]), 'send');
  const texts = sends.map(({ body }) => (body.type === 'text' ? body.text.body : ''));
  expect(sends.length).toBeGreaterThan(1);
  expect(Math.max(...texts.map((each) => each.length))).toBeLessThanOrEqual(limits.textCharsMax);
  expect(texts.join(' ').replace(/\s+/g, ' ')).toBe(long);
  expect(sends.map((send) => send.quoteWamid)).toEqual([
    'wamid.1',
    ...Array(sends.length - 1).fill(undefined),
  ]);
});

test('a dialog that starts nothing need not say so', () => {
  const machine = setup({ actions: dialogActions }).createMachine({
    initial: 'idle',
    states: { idle: { on: { text: { actions: { type: 'say', params: { text: 'Hello.' } } } } } },
  });
  expect(defineDialog({ name: 'greeter', version: 1, machine }).activities).toEqual({});
});

test('a machine knows what each kind of message carries', () => {
  const machine = setup({
    types: { context: {} as { heard: string }, events: {} as DialogEvent },
    actions: dialogActions,
    guards: { isPlain: ({ event }) => event.type === 'text' && !event.text.includes('?') },
  }).createMachine({
    context: { heard: '' },
    on: {
      text: { guard: 'isPlain', actions: assign({ heard: ({ event }) => event.text }) },
      image: { actions: assign({ heard: ({ event }) => event.media.mediaId }) },
      location: { actions: assign({ heard: ({ event }) => String(event.location.latitude) }) },
      listChoice: { actions: assign({ heard: ({ event }) => event.choice.title }) },
      order: { actions: assign({ heard: ({ event }) => event.order.catalogId }) },
      // @ts-expect-error a voice note has no text
      voice: { actions: assign({ heard: ({ event }) => event.text.trim() }) },
      // @ts-expect-error there is no such kind
      voicemail: {},
    },
  });
  const dialog = defineDialog(dialogOf(machine));
  const heard = (happens: MailboxEvent) =>
    (JSON.parse(turn(dialog, [happens]).state) as { snapshot: { context: { heard: string } } }).snapshot
      .context.heard;
  expect(heard(text('hello'))).toBe('hello');
  expect(heard(event('image', { media: { mediaId: 'm1', mimeType: 'image/png' } }))).toBe('m1');
  expect(heard(event('location', { location: { latitude: 40.4, longitude: -3.7 } }))).toBe('40.4');
});

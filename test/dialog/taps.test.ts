/** Ids of buttons: minted for one visit of one conversation, and what becomes of those that are of another. */
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type TapSigner, tapOf } from '#core/dialog/buttons.ts';
import {
  type Dialog,
  type DialogEvent,
  defineDialog,
  dialogActions,
  dialogGuards,
} from '#core/dialog/dialog.ts';
import { runTurn } from '#core/dialog/run-turn.ts';
import { buttons, carousel, list } from '#core/model/send-builders/index.ts';
import type { SendBody } from '#core/model/sends.ts';
import { Secrets } from '#runtime/world/secrets.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';
import { effectsOf, event, inputOf, text } from './turns.ts';

const key = (letter: string) => letter.repeat(32);
const signerOf = (...keys: string[]): TapSigner => new Secrets(keys).signer('taps\nacme\ncnv_1');

/** Offers two buttons at every text, and counts what is tapped. */
function counter(more: Partial<Dialog> = {}): Dialog {
  const offer = {
    type: 'say' as const,
    params: {
      body: buttons({
        body: 'Which?',
        buttons: [
          { id: 'a.b', title: 'A' },
          { id: 'c', title: 'C' },
        ],
      }),
    },
  };
  const machine = setup({
    types: { context: {} as { tapped: string[] }, events: {} as DialogEvent },
    actions: {
      ...dialogActions,
      note: assign(({ context, event }) => ({ tapped: [...context.tapped, event.choice?.id ?? ''] })),
    },
    guards: dialogGuards,
  }).createMachine({
    context: { tapped: [] },
    initial: 'idle',
    states: {
      idle: {
        on: {
          text: { actions: offer },
          button: [
            {
              guard: { type: 'chose', params: { option: 'a.b' } },
              target: 'working',
              actions: ['note', { type: 'say', params: { text: 'A it is.' } }],
            },
            { actions: ['note', { type: 'say', params: { text: 'Something else.' } }] },
          ],
        },
      },
      working: { on: { text: { target: 'idle', actions: offer }, button: { actions: 'note' } } },
    },
  });
  return defineDialog({ name: 'counter', version: 1, machine, activities: {}, ...more });
}

const tappedIn = (state: string) =>
  (JSON.parse(state) as { snapshot: { context: { tapped: string[] } } }).snapshot.context.tapped;

/** Turns of one conversation, whose buttons are signed. */
function conversation(dialog: Dialog, signer: TapSigner) {
  let stored: string | null = null;
  const act = (happening: ReturnType<typeof event>, by = signer) => {
    const output = runTurn({ ...inputOf(dialog, [happening], { signer: by }), stored });
    stored = output.state;
    return output;
  };
  const ids = (output: ReturnType<typeof act>) =>
    effectsOf(output, 'send').flatMap(({ body }) => idsIn(body));
  const tap = (id: string, by = signer) => act(event('button', { choice: { id, title: 'A' } }), by);
  return { act, ids, tap };
}

function idsIn(body: SendBody): string[] {
  return [...JSON.stringify(body).matchAll(/"id":"(nd\.[^"]+)"/g)].map(([, id]) => id ?? '');
}

test('the machine gets the option, the phone an id that only this server can write', () => {
  const { act, ids, tap } = conversation(counter(), signerOf(key('k')));
  const [id = ''] = ids(act(text('hi')));
  expect(id).toMatch(/^nd\.\d+\.a\.b\.[\w-]{16}$/);
  const output = tap(id);
  expect(tappedIn(output.state)).toEqual(['a.b']);
});

test('ids in lists and carousels are minted, too, and stay within what Meta takes', () => {
  const rows = [{ id: 'r'.repeat(64), title: 'R' }];
  const card = { header: { image: { id: '1' } }, body: 'B', buttons: [{ id: 'x', title: 'X' }] };
  const bodies = [
    list({ body: 'Which?', button: 'Open', rows }),
    carousel({ body: 'Cards', cards: [card, { ...card, buttons: [{ id: 'y', title: 'X' }] }] }),
  ];
  const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
    on: { text: { actions: { type: 'say', params: { bodies } } } },
  });
  const dialog = defineDialog({ name: 'd'.repeat(64), version: 1, machine, activities: {} });
  const { act, ids } = conversation(dialog, signerOf(key('k')));
  const all = ids(act(text('hi', { position: 999_999_999 })));
  expect(all).toHaveLength(3);
  for (const id of all) expect(id.length).toBeLessThanOrEqual(200);
});

test.each([
  ['a row', 200, (id: string) => list({ body: 'Which?', button: 'Open', rows: [{ id, title: 'R' }] })],
  ['a button', 256, (id: string) => buttons({ body: 'Which?', buttons: [{ id, title: 'B' }] })],
])('the longest option of %s fits when it is minted; a longer one never leaves', (_, max, build) => {
  const room = max - 'nd.'.length - 15 - '..'.length - 16;
  const offering = (size: number) => {
    const say = { type: 'say' as const, params: { body: build('r'.repeat(size)) } };
    const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
      on: { text: { actions: say } },
    });
    const dialog = defineDialog({ name: 'offers', version: 1, machine, activities: {} });
    const { act, ids } = conversation(dialog, signerOf(key('k')));
    const output = act(text('hi', { position: 999_999_999_999_999 }));
    return { ids: ids(output), deadLetters: output.deadLetters };
  };
  expect(offering(room).ids.map(({ length }) => length)).toEqual([max]);
  const { ids, deadLetters } = offering(room + 1);
  expect([ids, deadLetters.length]).toEqual([[], 1]);
  expect(deadLetters[0]?.fault).toMatch(
    new RegExp(`has ${room + 1} characters and may have at most ${room}`),
  );
});

describe('a tap that is not of the present question', () => {
  test('second: silent, whether the same button or its neighbour', () => {
    const { act, ids, tap } = conversation(counter(), signerOf(key('k')));
    const [a = '', c = ''] = ids(act(text('hi')));
    tap(a);
    for (const id of [a, c, a]) {
      const { effects, state } = tap(id);
      expect(effects).toEqual([{ type: 'noAnswer', rule: 'secondTap', answersThrough: expect.any(Number) }]);
      expect(tappedIn(state)).toEqual(['a.b']);
    }
  });

  test('forged, of another conversation, or of no dialog: explained, never acted upon', () => {
    const { act, ids, tap } = conversation(counter(), signerOf(key('k')));
    const [a = ''] = ids(act(text('hi')));
    const other = new Secrets([key('k')]).signer('taps\nacme\ncnv_2');
    const visit = a.split('.')[1];
    const forged = a.replace(/\.[\w-]+$/, `.${other.sign(`counter\n${visit}\na.b`)}`);
    for (const id of [forged, a.replace('a.b', 'c'), `${a}x`, 'a.b', 'nd.1.a.b', '']) {
      const output = tap(id);
      expect(effectsOf(output, 'send').map(({ body }) => JSON.stringify(body))).toEqual([
        expect.stringContaining('earlier message'),
      ]);
      expect(tappedIn(output.state)).toEqual([]);
    }
    expect(tappedIn(tap(a).state)).toEqual(['a.b']);
  });

  test('ids live on when the key is rotated, and die with it', () => {
    const { act, ids, tap } = conversation(counter(), signerOf(key('k')));
    const [a = ''] = ids(act(text('hi')));
    expect(tappedIn(tap(a, signerOf(key('n'))).state)).toEqual([]);
    expect(tappedIn(tap(a, signerOf(key('n'), key('k'))).state)).toEqual(['a.b']);
  });

  test('old: by the policy of the dialog', () => {
    const run = (staleTap: 'act' | 'explain' | 'ignore') => {
      const dialog = counter({ staleTap, staleText: () => 'Too late.' });
      const ana = driveDialog(dialog).say('one').tap('A').say('two');
      // The first message's second button: its visit is over.
      const old = ana.tapOf(0, 'C');
      return { said: old.said, tapped: old.context.tapped, rules: old.unanswered };
    };
    expect(run('act')).toEqual({ said: ['Something else.'], tapped: ['a.b', 'c'], rules: [] });
    expect(run('explain')).toEqual({ said: ['Too late.'], tapped: ['a.b'], rules: [] });
    expect(run('ignore')).toEqual({ said: [], tapped: ['a.b'], rules: ['staleTap'] });
  });

  test('where the dialog has ended, one begins it anew like any other message', () => {
    const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
      initial: 'idle',
      states: {
        idle: {
          on: {
            text: {
              actions: {
                type: 'say',
                params: {
                  body: buttons({
                    body: '?',
                    buttons: [
                      { id: 'x', title: 'X' },
                      { id: 'y', title: 'Y' },
                    ],
                  }),
                },
              },
            },
            button: { target: 'over', actions: { type: 'say', params: { text: 'Bye.' } } },
          },
        },
        over: { type: 'final' },
      },
    });
    const ana = driveDialog(defineDialog({ name: 'over', version: 1, machine, activities: {} }));
    ana.say('one').tap('X').say('two').tap('X');
    expect(ana.tap('X').said).toEqual([]);
    expect(ana.tapOf(0, 'Y').said).toEqual(['Bye.']);
  });

  test('a second tap waits for the answer of the first where that is still to come', () => {
    const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
      initial: 'idle',
      states: {
        idle: {
          on: {
            text: {
              actions: {
                type: 'say',
                params: { body: buttons({ body: '?', buttons: [{ id: 'go', title: 'Go' }] }) },
              },
            },
            button: 'silent',
          },
        },
        silent: { after: { 1000: { target: 'idle', actions: { type: 'say', params: { text: 'Done.' } } } } },
      },
    });
    const dialog = defineDialog({ name: 'slow', version: 1, machine, activities: {} });
    const ana = driveDialog(dialog).say('hi').tap('Go').tap('Go');
    expect([ana.said, ana.unanswered]).toEqual([[], []]);
    expect(ana.advance(1_000).said).toEqual(['Done.']);
  });
});

test('what is no tap, and a minted id in a text, is no tap', () => {
  const at = { dialog: 'counter', visit: { began: 1 }, signer: signerOf(key('k')) };
  expect(tapOf(text('nd.1.a.code'), at)).toBeNull();
  expect(tapOf(event('templateButton', { choice: { id: 'STOP', title: 'Stop' } }), at)).toBeNull();
});

/** A clock of the day that is set while slots are asked for: what was told by the old one is not waited for by the new one. */
import { expect, it } from 'vitest';
import { openDesk, sendOf } from './desk.ts';

const hourMs = 3_600_000;

it.each(['number', 'pair'] as const)(
  'set back by an hour: the %s waits as long as it was told',
  async (scope) => {
    const desk = openDesk();
    desk.grant = (send) => {
      const atMs = desk.fake.nowMs() + 700;
      desk.fake.advance(-hourMs);
      return { outcome: 'wait', send, atMs, scope, paused: false };
    };
    await desk.after(() => desk.outbox.offer([sendOf('snd_1')]));
    expect(desk.waitsMs().at(-1)).toBe(700);
  },
);

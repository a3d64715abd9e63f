/** What the phone page works out by itself, without a browser: what it has missed. */
import { describe, expect, test } from 'vitest';
import type { SimulatorEvent } from '#simulator/index.ts';
import { missedSince } from '../../phone/src/data/unread.ts';

const event = (seq: number, kind = 'sendAccepted', atMs = seq * 10) =>
  ({ seq, atMs, kind }) as unknown as SimulatorEvent;
const heard = { seq: 3, atMs: 30 };

describe('what a page has missed', () => {
  test('is what came after the last event that it heard, also where that is forgotten', () => {
    const past = [event(2), event(3), event(4), event(5)];
    expect(missedSince(heard, past)).toEqual({ isSame: true, events: past.slice(2) });
    expect(missedSince(heard, [event(7), event(8)]).events.map(({ seq }) => seq)).toEqual([7, 8]);
    expect(missedSince(heard, [event(3)])).toEqual({ isSame: true, events: [] });
  });

  test('begins anew at a reset, and counts what came after it', () => {
    const past = [event(4), event(5, 'reset'), event(6)];
    expect(missedSince(heard, past)).toEqual({ isSame: false, events: [event(6)] });
  });

  test('is nothing where another simulator has taken the place', () => {
    for (const past of [[], [event(1), event(2)], [event(3, 'said', 999), event(4)]])
      expect(missedSince(heard, past)).toEqual({ isSame: false, events: [] });
  });
});

import { describe, expect, test } from 'vitest';
import type { SendPriority } from '#core/model/sends.ts';
import type { SendRef } from '#core/ports/store.ts';
import { Lanes } from '#pipeline/outbox/lanes.ts';

const send = (number: string, id: string, priority: SendPriority = 'reply'): SendRef => ({
  ref: { tenantId: 'acme', conversationId: id },
  sendId: `${number}${id}`,
  phoneNumberId: number,
  priority,
});
const ids = (sends: SendRef[]) => sends.map((each) => each.sendId);

describe('lanes', () => {
  test("a number's sends leave in the order they came, an operator's first", () => {
    const lanes = new Lanes();
    for (const each of [send('1', 'a'), send('1', 'b', 'other'), send('1', 'c'), send('1', 'd', 'operator')])
      lanes.add(each);
    expect(ids(lanes.take(10, 0))).toEqual(['1d', '1a', '1c', '1b']);
    expect(lanes.size).toBe(0);
  });

  test('a send that stands there is not put twice', () => {
    const lanes = new Lanes();
    lanes.add(send('1', 'a'));
    lanes.add(send('1', 'a'));
    expect(lanes.size).toBe(1);
    expect(ids(lanes.take(10, 0))).toEqual(['1a']);
  });

  test('what is put back stands where it was, and its number waits alone', () => {
    const lanes = new Lanes();
    for (const id of ['a', 'b', 'c']) lanes.add(send('1', id));
    lanes.add(send('2', 'x'));
    const [first, second] = lanes.take(2, 0);
    lanes.putBack([first!, second!], 100);
    expect(ids(lanes.take(10, 99))).toEqual(['2x']);
    expect(lanes.nextAtMs()).toBe(100);
    expect(ids(lanes.take(10, 100))).toEqual(['1a', '1b', '1c']);
    expect(lanes.nextAtMs()).toBeNull();
  });

  test('a number with many goes to the end of the round', () => {
    const lanes = new Lanes();
    for (let i = 0; i < 10; i += 1) lanes.add(send('1', String(i)));
    lanes.add(send('2', 'x'));
    expect(ids(lanes.take(4, 0))).toEqual(['10', '11', '12', '13']);
    expect(ids(lanes.take(4, 0))).toEqual(['2x', '14', '15', '16']);
  });

  test('a change of tenants ends every wait', () => {
    const lanes = new Lanes();
    lanes.putBack([send('1', 'a')], 900_000);
    lanes.resume();
    expect(ids(lanes.take(10, 0))).toEqual(['1a']);
  });
});

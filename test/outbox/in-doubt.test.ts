/** I5: a request for slots whose answer is lost is asked again by name, since nobody writes what it may have granted; no other is. */
import { expect, it } from 'vitest';
import { limits } from '#core/limits.ts';
import { type Desk, gone, openDesk, sendOf } from './desk.ts';

const namesOf = ({ asked }: Desk) =>
  asked.map(({ sends, inDoubt }) => [sends.map(({ sendId }) => sendId), inDoubt]);

it('names what it asked for in vain until it has an answer', async () => {
  const desk = openDesk();
  desk.isAway = true;
  await desk.after(() => desk.outbox.offer([sendOf('snd_1')]));
  desk.isAway = false;
  desk.fake.advance(limits.storeRetryMaxMs);
  await desk.after(() => {
    desk.outbox.offer([sendOf('snd_2')]);
    desk.ring();
  });
  await desk.after(() => desk.outbox.offer([sendOf('snd_1')]));
  expect(namesOf(desk)).toEqual([
    [['snd_1'], undefined],
    [['snd_1', 'snd_2'], ['snd_1']],
    [['snd_1'], undefined],
  ]);
});

it('does not name what is on the wire, though a stale offer of it was asked for in vain', async () => {
  const desk = openDesk();
  desk.grant = (send) => ({
    ...{ outcome: 'granted', send, attempt: 1, quoteWamid: null, uncertainPolicy: 'holdForPerson' },
    address: { to: '15550001111' },
    body: { type: 'text', text: { body: 'hello' } },
    grantedAtMs: desk.fake.nowMs(),
  });
  await desk.after(() => desk.outbox.offer([sendOf('snd_1')]));
  expect(desk.outbox.inFlight()).toBe(1);
  desk.isAway = true;
  await desk.after(() => desk.outbox.offer([sendOf('snd_1')]));
  desk.isAway = false;
  desk.grant = gone;
  desk.fake.advance(limits.storeRetryMaxMs);
  await desk.after(() => desk.ring());
  expect(namesOf(desk).slice(1)).toEqual([
    [['snd_1'], undefined],
    [['snd_1'], undefined],
  ]);
});

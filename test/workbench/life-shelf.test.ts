/** What is kept for lives: by customer, bounded, and the people on the phone before the made ones of a load. */
import { expect, test } from 'vitest';
import type { SimulatorEvent } from '#simulator/index.ts';
import { LifeShelf } from '#surface/cli/dev/workbench/life-shelf.ts';
import type { BookedMoment } from '#surface/cli/dev/workbench/moment-book.ts';

const phoneNumberId = '1';

function said(contactId: string, wamid: string): { event: SimulatorEvent } {
  const details = { body: null, replyTo: null, forwarded: false, referral: null };
  const message = { wamid, type: 'text', text: 'x', ...details };
  return { event: { seq: 1, atMs: 1, kind: 'said', phoneNumberId, contactId, ...message } };
}

function webhook(...wamids: string[]): { event: SimulatorEvent } {
  const subjects = wamids.map((wamid) => ({ wamid, status: null }));
  const sent = { deliveryId: 'd', attempt: 1, updates: wamids.length, bytes: 1, duplicateOf: null };
  return { event: { seq: 1, atMs: 1, kind: 'webhookSent', ...sent, subjects, badSignature: false } };
}

let seq = 0;
const moment = (fields: object): { moment: BookedMoment } => ({
  moment: { atMs: 1, seq: ++seq, ...fields } as BookedMoment,
});
const stored = (wamid: string) => moment({ kind: 'messageStored', wamid, phoneNumberId });
const taken = (conversationId: string, wamid: string) =>
  moment({
    ...{ kind: 'turnTaken', tenantId: 't', conversationId, turn: 1 },
    events: [{ position: 1, event: 'text', wamid, activityId: null }],
  });
const committed = (conversationId: string, wamid: string, sendId: string) =>
  moment({
    ...{ kind: 'turnCommitted', tenantId: 't', conversationId, turn: 1, activities: [] },
    events: [{ position: 1, event: 'text', wamid, activityId: null }],
    sends: [{ sendId, origin: 'dialog', through: 1 }],
  });

test('everything of one customer is together, whatever each record names, and nothing of another', () => {
  const shelf = new LifeShelf();
  const records = [
    said('mia', 'w1'),
    stored('w1'),
    taken('c1', 'w1'),
    committed('c1', 'w1', 'snd_1'),
    moment({ kind: 'sendMarked', tenantId: 't', conversationId: 'c1', sendId: 'snd_1', attempt: 1 }),
    moment({ kind: 'uncertainResolved', tenantId: null, sendId: 'snd_1', how: 'proven' }),
    moment({ kind: 'statusStored', wamid: 'w2', phoneNumberId, status: 'sent', sendId: 'snd_1', code: null }),
  ];
  for (const record of records) shelf.add(record);
  shelf.add(said('jonas', 'w9'));
  shelf.add(stored('w9'));
  expect(shelf.about('w1')).toEqual(records);
  expect(shelf.about('w2')).toEqual(records);
  expect(shelf.about('w9')).toHaveLength(2);
  // One webhook with messages of both does not make one of them.
  shelf.add(webhook('w1', 'w9'));
  expect([shelf.about('w1').length, shelf.about('w9').length]).toEqual([records.length + 1, 3]);
  // What happened to the server concerns all.
  shelf.add(moment({ kind: 'serverKilled', pid: 1 }));
  expect([shelf.about('w1').length, shelf.about('w9').length]).toEqual([records.length + 2, 4]);
});

test('what is known of a conversation only later finds its customer', () => {
  const shelf = new LifeShelf();
  shelf.add(moment({ kind: 'timerFired', tenantId: 't', conversationId: 'c1' }));
  shelf.add(said('mia', 'w1'));
  expect(shelf.about('w1')).toHaveLength(1);
  shelf.add(taken('c1', 'w1'));
  expect(shelf.about('w1')).toHaveLength(3);
});

test('a load makes room for itself, not among the people', () => {
  const shelf = new LifeShelf({ roomMax: 1_000 });
  shelf.add(said('mia', 'mine'));
  shelf.add(stored('mine'));
  for (let i = 0; i < 5_000; i += 1) {
    shelf.add(said(`load-${i % 50}`, `w${i}`));
    shelf.add(stored(`w${i}`));
  }
  expect(shelf.about('mine')).toHaveLength(2);
  expect(shelf.about('w4999').length).toBeGreaterThan(0);
  expect(shelf.about('w0')).toEqual([]);
  const kept = new Set(Array.from({ length: 5_000 }, (_, i) => shelf.about(`w${i}`)).flat());
  expect(kept.size).toBeLessThanOrEqual(1_000);
  expect(kept.size).toBeGreaterThan(500);
});

test('of people the one goes first of whom nothing was heard for longest, and of one the oldest', () => {
  const shelf = new LifeShelf({ roomMax: 400 });
  for (let i = 0; i < 150; i += 1) shelf.add(said('mia', `mia ${i}`));
  for (let i = 0; i < 150; i += 1) shelf.add(said('jonas', `jonas ${i}`));
  shelf.add(said('mia', 'mia again'));
  for (let i = 0; i < 150; i += 1) shelf.add(said('eva', `eva ${i}`));
  expect(shelf.about('mia again')).toHaveLength(151);
  expect(shelf.about('jonas 149')).toHaveLength(75);
  expect(shelf.about('jonas 0')).toEqual([]);
  expect(shelf.about('eva 149')).toHaveLength(150);
});

test('what is told late stands where it was, whoever tells it; of the same time the customer comes first', () => {
  const shelf = new LifeShelf();
  const at = (atMs: number, fields: object) => moment({ ...fields, atMs });
  const store = (atMs: number) => at(atMs, { kind: 'messageStored', wamid: 'w1', phoneNumberId });
  const ready = (atMs: number) => at(atMs, { kind: 'serverReady', pid: 1 });
  const [down, late, up, same] = [ready(1), store(2), ready(4), store(4)];
  const told = [said('mia', 'w1'), store(3), store(5)] as const;
  for (const record of [...told, late, up, down, same]) shelf.add(record);
  expect(shelf.about('w1')).toEqual([told[0], down, late, told[1], same, up, told[2]]);
});

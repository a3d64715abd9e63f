/** Moments as a contract: what is told has the fields that the table names, and a full book forgets the oldest. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ModelFault } from '#core/ports/model.ts';
import { type MomentKind, moments, type ToldMoment } from '#core/ports/observer.ts';
import { MomentBook, readMoments } from '#surface/cli/dev/workbench/moment-book.ts';
import { tell } from './business-events.ts';
import { watchedTown } from './watched-town.ts';

const mia = '16505550123';
const dayMs = 86_400_000;

/** A bad week of one business: something of nearly every kind is told. */
async function week() {
  let failures = 8;
  const { town, book } = watchedTown({
    tenants: [{ id: 'acme', numberPerSecond: 2, settings: { repliesPerContactPerHourMax: 3 } }],
    model: () => ({
      name: 'm',
      reply: async ({ messages }) => {
        failures -= 1;
        if (failures >= 0) throw new ModelFault('overloaded', 'too much', { retryable: true });
        return {
          text: `Echo: ${messages.at(-1)?.text}`,
          ...(messages.at(-1)?.text === 'person' ? { handOff: { reason: 'asked' } } : {}),
          usage: { model: 'm', inputTokens: 1, outputTokens: 1 },
        };
      },
    }),
  });
  await town.start();
  await town.apply();
  town.meta.faults.set({ duplicateWebhook: { rate: 0.3, maxMs: 2_000 }, loseAnswer: { next: 2 } });
  for (let i = 0; i < 6; i += 1) {
    town.say(mia, `hello ${i}`);
    town.say(`1650555${2000 + i}`, `hello ${i}`);
    await town.world.advance(7_000);
  }
  town.meta.inbound.say(
    { phoneNumberId: town.numberOf('acme'), contact: mia, text: 'late' },
    town.world.nowMs(),
  );
  await town.world.advance(dayMs / 24);
  const shipped = { contact: mia, name: 'order.shipped', idempotencyKey: 'order-1' };
  expect([await tell(town, shipped), await tell(town, shipped)]).toEqual([202, 200]);
  town.say(mia, 'person');
  await town.world.advance(60_000);
  const ref = await town.ref(mia);
  await town.command('take', { ...ref, by: 'eva' });
  await town.command('reply', { ...ref, by: 'eva', text: 'Eva here.' });
  await town.command('handback', { ...ref, by: 'eva' });
  await town.world.advance(60_000);
  return book;
}

describe('what is told', () => {
  test('has exactly the fields of its kind', async () => {
    const book = await week();
    const seen = new Map<string, object>();
    for (const moment of book.read({ afterSeq: 0, limit: 5_000 })) {
      const { fields } = moments[moment.kind as MomentKind];
      expect(Object.keys(moment).sort(), moment.kind).toEqual(
        [...Object.keys(fields), 'kind', 'atMs', 'seq'].sort(),
      );
      seen.set(moment.kind, moment);
    }
    // Those that take a machine, a quarantine, a timer or a closed window are told elsewhere.
    const elsewhere = [
      'momentsLost',
      'messageQuarantined',
      'timerFired',
      'fenceRefused',
      'sendWithdrawn',
      'sendBlocked',
    ];
    const expected = Object.keys(moments).filter((kind) => !elsewhere.includes(kind));
    expect(expected.filter((kind) => !seen.has(kind))).toEqual([]);
  });
});

describe('a book', () => {
  const stored = (wamid: string): ToldMoment => ({
    kind: 'messageStored',
    wamid,
    phoneNumberId: '1',
    atMs: 1,
  });

  test('keeps the newest, numbered without gaps, and reads on from any number', () => {
    const book = new MomentBook({ nowMs: () => 1, momentsMax: 10 });
    const heard: number[] = [];
    const stop = book.listen(({ seq }) => heard.push(seq));
    for (let i = 1; i <= 35; i += 1) book.told(stored(`w${i}`));
    stop();
    book.told(stored('w36'));
    expect(heard).toHaveLength(35);
    expect(book.lastSeq).toBe(36);
    const seqs = (afterSeq: number, limit: number) => book.read({ afterSeq, limit }).map(({ seq }) => seq);
    expect(seqs(0, 100)).toEqual([27, 28, 29, 30, 31, 32, 33, 34, 35, 36]);
    expect(seqs(30, 3)).toEqual([31, 32, 33]);
    expect(seqs(36, 3)).toEqual([]);
  });

  test('reads lines that come in pieces, and passes over what is none', async () => {
    const pipe = new PassThrough();
    const told: ToldMoment[] = [];
    const ended = readMoments(pipe, (moment) => told.push(moment));
    const line = `${JSON.stringify({ ...stored('wamid.ä'), extra: true })}\n`;
    const bytes = Buffer.from(`no json\n{"kind":7}\n${line}${line}{"kind":"cut o`);
    for (let at = 0; at < bytes.length; at += 7) pipe.write(bytes.subarray(at, at + 7));
    pipe.end();
    pipe.destroy();
    await ended;
    expect(told.map((moment) => moment.kind === 'messageStored' && moment.wamid)).toEqual([
      'wamid.ä',
      'wamid.ä',
    ]);
  });
});

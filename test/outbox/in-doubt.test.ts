/** I5: a request for slots whose answer is lost is asked again by name, since nobody writes what it may have granted; no other is. */
import { expect, it } from 'vitest';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { Granted, GrantRequest, SendRef } from '#core/ports/store.ts';
import { createOutboxStation, type OutboxDeps, type OutboxStation } from '#pipeline/outbox/station.ts';
import { type FakeWorld, fakeWorld } from '#testing/fake-world.ts';

const sendOf = (sendId: string): SendRef => ({
  ref: { tenantId: 'acme', conversationId: `cnv_${sendId}` },
  ...{ sendId, phoneNumberId: '1', priority: 'reply' },
});
const gone = (send: SendRef): Granted => ({ outcome: 'gone', send });
const nothing = () => {};

interface Desk {
  fake: FakeWorld;
  outbox: OutboxStation;
  asked: GrantRequest[];
  /** Whether the store gives no answer. */
  isAway: boolean;
  grant: (send: SendRef) => Granted;
  /** Runs `cause` and waits until slots were asked for. */
  after(cause: () => void): Promise<void>;
  /** Every timer fires. */
  ring(): void;
}

function openDesk(): Desk {
  const fake = fakeWorld(1);
  const alarms: (() => void)[] = [];
  let told = nothing;
  const desk: Omit<Desk, 'outbox'> = {
    ...{ fake, asked: [], isAway: false, grant: gone },
    async after(cause) {
      const isAsked = new Promise<void>((done) => {
        told = done;
      });
      cause();
      await isAsked;
    },
    ring: () => alarms.splice(0).forEach((fire) => void fire()),
  };
  const outbox = createOutboxStation({
    world: {
      ...{ clock: fake.clock, random: fake.random },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      http: { request: () => Promise.reject(new Error('The outbox asks nobody.')) },
      timers: {
        soon: (fn) => void Promise.resolve().then(fn),
        after: (_, fn) => {
          alarms.push(fn);
          return nothing;
        },
      },
    },
    store: {
      async grantSends(request) {
        desk.asked.push(request);
        // What it does with the answer is done before whoever waits goes on.
        setImmediate(() => told());
        if (desk.isAway) throw new Fault('storeUnavailable', 'away');
        return request.sends.map((send) => desk.grant(send));
      },
      settleSends: () => Promise.reject(new Error('Nothing was answered.')),
      resolveUncertain: () => Promise.reject(new Error('Nothing is uncertain here.')),
    } satisfies OutboxDeps['store'],
    directory: { tenant: () => undefined, phoneNumber: () => undefined, all: () => [] },
    telemetry: { count: nothing, observe: nothing },
    ...{ ownerId: 'own_1', onAccepted: nothing, tokenOf: () => 'token' },
    // Meta never answers.
    transmit: () => new Promise(nothing),
  });
  outbox.start();
  return Object.assign(desk, { outbox });
}

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

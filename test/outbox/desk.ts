/** An outbox station with a store and a world that a test moves: what it asks for, what it is told, and when its timers fire. */
import { Fault } from '#core/model/faults.ts';
import type { Granted, GrantRequest, SendRef } from '#core/ports/store.ts';
import { createOutboxStation, type OutboxDeps, type OutboxStation } from '#pipeline/outbox/station.ts';
import { type FakeWorld, fakeWorld } from '#testing/fake-world.ts';

export const sendOf = (sendId: string): SendRef => ({
  ref: { tenantId: 'acme', conversationId: `cnv_${sendId}` },
  ...{ sendId, phoneNumberId: '1', priority: 'reply' },
});
export const gone = (send: SendRef): Granted => ({ outcome: 'gone', send });
const nothing = () => {};

export interface Desk {
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
  /** Of the timers that have not fired. */
  waitsMs(): number[];
}

export function openDesk(): Desk {
  const fake = fakeWorld(1);
  const alarms: { waitMs: number; fire: () => void }[] = [];
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
    ring: () => alarms.splice(0).forEach(({ fire }) => void fire()),
    waitsMs: () => alarms.map(({ waitMs }) => waitMs),
  };
  const outbox = createOutboxStation({
    world: {
      ...{ clock: fake.clock, random: fake.random },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      http: { request: () => Promise.reject(new Error('The outbox asks nobody.')) },
      timers: {
        soon: (fn) => void Promise.resolve().then(fn),
        after: (waitMs, fire) => {
          alarms.push({ waitMs, fire });
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

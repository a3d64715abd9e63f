/**
 * What `tenants apply` relies on in the outbox: pauses end when told so, and a refusal of a token that was exchanged
 * while its request was under way pauses nothing.
 */
import { expect, it } from 'vitest';
import type { Granted, SendRef, SendSettlement } from '#core/ports/store.ts';
import { createOutboxStation, type OutboxDeps, type Transmit } from '#pipeline/outbox/station.ts';
import { fakeWorld } from '#testing/fake-world.ts';

const send: SendRef = {
  ref: { tenantId: 'acme', conversationId: 'cnv_1' },
  sendId: 'snd_1',
  phoneNumberId: '1',
  priority: 'reply',
};
const refusal = {
  kind: 'retryLater',
  why: 'paused',
  scope: 'tenant',
  pause: true,
  error: { code: 190 },
} as const;

function outboxWith(deps: { transmit: Transmit; grant: () => Granted; tokenOf: () => string }) {
  const { clock, random } = fakeWorld(1);
  const nothing = () => {};
  const settlements: SendSettlement[] = [];
  let told = nothing;
  const asked: Granted[] = [];
  const next = () =>
    new Promise<void>((done) => {
      told = done;
    });
  const outbox = createOutboxStation({
    world: {
      clock,
      random,
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      http: { request: () => Promise.reject(new Error('The outbox asks nobody.')) },
      timers: { after: () => nothing, soon: (fn) => void Promise.resolve().then(fn) },
    },
    store: {
      grantSends: async () => {
        const granted = deps.grant();
        asked.push(granted);
        told();
        return [granted];
      },
      settleSends: async (input) => {
        settlements.push(...input.settlements);
        told();
        return { freed: [], uncertain: [], alreadySettled: 0, provenDuplicates: 0, flagged: 0 };
      },
      resolveUncertain: () => Promise.reject(new Error('Nothing is uncertain here.')),
    } satisfies OutboxDeps['store'],
    directory: { tenant: () => undefined, phoneNumber: () => undefined, all: () => [] },
    telemetry: { count: nothing, observe: nothing },
    ownerId: 'own_1',
    onAccepted: nothing,
    transmit: deps.transmit,
    tokenOf: deps.tokenOf,
  });
  outbox.start();
  return { outbox, settlements, asked, next, nowMs: clock.nowMs };
}

/** Lets everything run that waits for nothing but its turn. */
async function flush(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

const granted = (grantedAtMs: number): Granted => ({
  outcome: 'granted',
  send,
  attempt: 1,
  address: { to: '+1' },
  body: { type: 'text', text: { body: 'hi' } },
  quoteWamid: null,
  uncertainPolicy: 'holdForPerson',
  grantedAtMs,
});

it('asks the store again at once for what waited for the end of a pause', async () => {
  const scene = outboxWith({
    transmit: () => Promise.reject(new Error('Nothing is granted.')),
    tokenOf: () => 'token',
    grant: () => ({ outcome: 'wait', send, atMs: scene.nowMs() + 900_000, scope: 'tenant', paused: true }),
  });
  let asked = scene.next();
  scene.outbox.offer([send]);
  await asked;
  await flush();
  // A repeated offer alone does not reach the store before the pause ends.
  scene.outbox.offer([send]);
  await flush();
  expect(scene.asked).toHaveLength(1);
  asked = scene.next();
  scene.outbox.resume();
  await asked;
  expect(scene.asked).toHaveLength(2);
});

it.each([
  ['pauses the tenant when its token is refused', 'old', { scope: 'tenant', change: 'pause' }],
  ['pauses nothing when the token was exchanged meanwhile', 'new', null],
])('%s', async (_name, tokenAfter, pace) => {
  let token = 'old';
  let grants = 0;
  const scene = outboxWith({
    tokenOf: () => token,
    transmit: async () => {
      token = tokenAfter;
      return refusal;
    },
    grant: () => (grants++ === 0 ? granted(scene.nowMs()) : { outcome: 'gone', send }),
  });
  const asked = scene.next();
  scene.outbox.offer([send]);
  await asked;
  await scene.next();
  const outcome = scene.settlements[0]?.outcome;
  if (pace === null) expect(outcome).toMatchObject({ kind: 'retryLater', pace: null });
  else expect(outcome).toMatchObject({ kind: 'retryLater', pace });
});

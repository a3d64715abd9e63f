/** The turn station tells of each conversation that a wake gave it, exactly once, that it was looked at, whatever came of it. */
import { expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store, Taken } from '#core/ports/store.ts';
import type { Wake } from '#core/ports/wake.ts';
import { createTurnStation } from '#pipeline/turn/station.ts';
import { createVirtualWorld } from '#testing/virtual-world.ts';

const ref = (conversationId: string): ConversationRef => ({ tenantId: 'acme', conversationId });
const taken = (conversationId: string): Taken => ({
  outcome: 'taken',
  lease: { ref: ref(conversationId), ownerId: 'me', fence: 1 },
  ...{
    phoneNumberId: '1',
    contactId: 'c',
    dialogState: null,
    lastFallbackAtMs: null,
    events: [],
    more: false,
  },
});
const release: Store['releaseLease'] = async () => {};

/** A station that is given these conversations, on a store that does this with them; what the wake was told, in order. */
async function lookAt(
  names: string[],
  store: { take: () => Promise<Taken[]>; release?: Store['releaseLease'] },
): Promise<string[]> {
  const world = createVirtualWorld({ seed: 1 });
  const told: string[] = [];
  let waiting = names.map(ref);
  const wake: Wake = {
    notify: ({ conversationId }, atMs) =>
      void told.push(`${conversationId} ${atMs === undefined ? 'now' : 'later'}`),
    next: (max) => waiting.splice(0, max),
    looked: ({ conversationId }) => void told.push(`${conversationId} looked`),
    onReady: () => {},
    depth: () => waiting.length,
    stop: () => {},
  };
  const station = createTurnStation({
    world,
    store: {
      takeConversations: store.take,
      commitTurn: () => Promise.reject(new Error('no turn is committed here')),
      releaseLease: store.release ?? release,
    },
    wake,
    directory: { tenant: () => undefined, phoneNumber: () => undefined, all: () => [] },
    telemetry: { count: () => {}, observe: () => {} },
    ownerId: 'me',
    dialog: () => undefined,
    ...{ runsActivities: false, transcribes: false },
    signerOf: () => {
      throw new Error('no button is made here');
    },
    onCommitted: () => {},
  });
  station.start();
  await world.settle();
  await station.stop();
  waiting = [];
  return told;
}

const looks = (told: string[]) => told.filter((line) => line.endsWith('looked')).sort();

test('taken, leased by another, empty, not due, or without an answer of the store', async () => {
  const told = await lookAt(['taken', 'leased', 'empty', 'notDue', 'forgotten'], {
    take: async () => [
      taken('taken'),
      { outcome: 'leased', ref: ref('leased') },
      { outcome: 'empty', ref: ref('empty') },
      { outcome: 'notDue', ref: ref('notDue'), dueAtMs: 1 },
    ],
  });
  expect(looks(told)).toEqual(
    ['empty', 'forgotten', 'leased', 'notDue', 'taken'].map((name) => `${name} looked`),
  );
  // Announced again before its end is told, so that a queue makes it the next one and does not forget it.
  expect(told.indexOf('notDue later')).toBeLessThan(told.indexOf('notDue looked'));
});

test('one that another has become, as after a merge, is told by the name it was given under', async () => {
  const told = await lookAt(['given'], { take: async () => [{ outcome: 'gone', ref: ref('another') }] });
  expect(told).toEqual(['given looked']);
});

test('the store is away: each is announced again and told of once', async () => {
  const away = () => Promise.reject(new Fault('storeUnavailable', 'It is away.'));
  const told = await lookAt(['a', 'b'], { take: away });
  expect(told).toEqual(['a later', 'b later', 'a looked', 'b looked']);
});

test('a lease that cannot be given back', async () => {
  const told = await lookAt(['a', 'b'], {
    take: async () => [taken('a'), taken('b')],
    release: () => Promise.reject(new Fault('storeUnavailable', 'It is away.')),
  });
  expect(looks(told)).toEqual(['a looked', 'b looked']);
});

import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { mostInOneSecond } from './measure.ts';
import { createTown, type Town } from './town.ts';

const contact = '16505551234';
const other = '16505550000';
/** Read receipts would meet the faults that are meant for answers. */
const silent = { tenants: [{ id: 'acme', settings: { receipts: 'none' } }] };

function crowd(town: Town, count: number, everyMs: number, prefix = '777'): void {
  for (let i = 0; i < count; i += 1) {
    town.at(i * everyMs, () => void town.say(`1650${prefix}${1000 + i}`, `hello ${prefix} ${i}`));
  }
}

describe('130429, the number is too fast', () => {
  test('slows the number and recovers, and every message is answered', async () => {
    const town = await createTown({
      tenants: [{ id: 'acme', numberPerSecond: 40, settings: { receipts: 'none' } }],
    });
    town.meta.faults.set({ graphError: [{ code: 130429, next: 1 }] });
    crowd(town, 400, 25);
    await town.world.advance(60_000);
    expect(town.answers()).toHaveLength(400);
    const from = town.world.nowMs() - 60_000;
    // The first second after the refusal has half of the pace; ten seconds later it is on its way back.
    const early = town.answers().filter(({ atMs }) => atMs > from + 1_000 && atMs < from + 10_000);
    expect(mostInOneSecond(early)).toBeLessThanOrEqual(22);
    const late = town.answers().filter(({ atMs }) => atMs > from + 11_000);
    expect(mostInOneSecond(late)).toBeGreaterThanOrEqual(24);
    await town.expectQuiet();
  });

  test('a look-alike with half the throughput that we believe in: the pace settles, nothing is lost', async () => {
    const town = await createTown({
      tenants: [{ id: 'acme', numberPerSecond: 40, settings: { receipts: 'none' } }],
      meta: {
        phoneNumbers: [{ id: '100000', wabaId: '20000', displayNumber: '+100000', throughputPerSecond: 20 }],
      },
    });
    crowd(town, 200, 60);
    await town.world.advance(60_000);
    expect(town.answers()).toHaveLength(200);
    expect(town.counter('refused.130429')).toBeGreaterThan(0);
    expect(town.counter('refused.130429')).toBeLessThan(60);
    await town.expectQuiet();
  });
});

test('131056, the pair is too fast: it backs off 1, 4 and 16 s, and no other pair waits', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', settings: { receipts: 'none' } }] });
  town.meta.faults.set({ graphError: [{ code: 131056, next: 1 }] });
  const { atMs } = town.say(contact, 'hello');
  await town.world.advance(500);
  for (let i = 0; i < 20; i += 1) {
    town.say(`1650888${1000 + i}`, `other ${i}`);
    await town.world.advance(20);
  }
  await town.world.advance(330);
  const others = town.answers().filter((each) => each.to !== contact);
  expect(others).toHaveLength(20);
  town.meta.faults.set({ graphError: [{ code: 131056, next: 2 }] });
  await town.world.advance(30_000);
  const refusals = town.events('sendRefused').map((event) => event.atMs - atMs);
  expect(refusals).toHaveLength(3);
  const [first, second, third] = refusals;
  expect(first! - 300).toBeLessThan(10);
  expect(second! - first!).toBeGreaterThanOrEqual(1_000);
  expect(second! - first!).toBeLessThan(1_020);
  expect(third! - second!).toBeGreaterThanOrEqual(4_000);
  expect(third! - second!).toBeLessThan(4_020);
  const [answer] = town.answers({ to: contact });
  expect(answer!.atMs - atMs - third!).toBeGreaterThanOrEqual(16_000);
  expect(answer!.atMs - atMs - third!).toBeLessThan(16_020);
  await town.expectQuiet();
});

describe.each([
  { code: 190, scope: 'tenant' },
  { code: 0, scope: 'tenant' },
  { code: 368, scope: 'waba' },
  { code: 131031, scope: 'waba' },
  { code: 131048, scope: 'number' },
])('$code, which a person must mend', ({ code, scope }) => {
  test(`pauses its ${scope} with an alert, drops nothing, and ends when the tenants are applied again`, async () => {
    const town = await createTown({ tenants: [{ id: 'acme', numbers: 2 }, { id: 'bolt' }] });
    town.meta.faults.set({ graphError: [{ code, rate: 1, phoneNumberId: town.numberOf('acme') }] });
    crowd(town, 5, 500);
    town.say(other, 'elsewhere', { tenant: 'bolt' });
    town.at(5_000, () => void town.say(other, 'second number', { number: 1 }));
    await town.world.advance(10_000);
    expect(town.answers({ tenant: 'bolt' })).toHaveLength(1);
    expect(town.counter(`refused.${code}`)).toBeLessThanOrEqual(2);
    expect(await town.metric('nightdesk_alerts_total', `graph ${code}`)).toBeGreaterThan(0);
    expect(town.logged('error').join()).toContain('paused until the cause is mended');
    // Another number of the tenant goes on, unless the pause is the waba's or the tenant's.
    expect(town.answers({ to: other, tenant: 'acme' })).toHaveLength(scope === 'number' ? 1 : 0);
    town.meta.faults.clear();
    await town.world.advance(60_000);
    expect(town.answers({ tenant: 'acme' }).filter(({ to }) => to !== other)).toEqual([]);
    await town.apply();
    await town.world.advance(2_000);
    expect(town.answers({ tenant: 'acme' })).toHaveLength(6);
    await town.expectQuiet();
  });
});

test('a pause is probed now and then, in case somebody has mended its cause without telling', async () => {
  const town = await createTown(silent);
  town.meta.faults.set({ graphError: [{ code: 190, rate: 1 }] });
  town.say(contact, 'hello');
  await town.world.advance(60_000);
  town.meta.faults.clear();
  await town.world.advance(limits.pauseProbeMs);
  expect(town.texts()).toEqual(['Echo: hello']);
  expect(town.counter('refused.190')).toBe(1);
});

test('a tenant without a token: its answers wait, with an alert, until it has one', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', accessToken: 'wrong' }] });
  town.say(contact, 'hello');
  await town.world.advance(5_000);
  expect(town.answers()).toEqual([]);
  town.tenants[0]!.accessToken = 'token of acme';
  await town.apply();
  await town.world.advance(1_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  await town.expectQuiet();
});

test('what never left is tried again freely: Graph out of reach for a minute costs time and nothing else', async () => {
  const town = await createTown();
  const graph = town.outage();
  crowd(town, 10, 200);
  await town.world.advance(60_000);
  expect(town.answers()).toEqual([]);
  expect(await town.flags()).toEqual([]);
  // The pause between two attempts grows, so that an outage does not keep the process busy, and stays short.
  expect(await town.metric('nightdesk_sends_total', 'retryLater')).toBeLessThan(400);
  graph.end();
  await town.world.advance(limits.sweepEveryMs + 500);
  expect(town.answers()).toHaveLength(10);
  const sends = await town.store.listSends({ states: ['accepted'], max: 100 });
  expect(sends.map((send) => send.attempts)).toEqual(sends.map(() => 1));
  await town.expectQuiet();
});

test('a refusal flags its conversation, and the next message of it is answered', async () => {
  const town = await createTown(silent);
  town.meta.faults.set({ graphError: [{ code: 131026, next: 1 }] });
  town.say(contact, 'hello');
  await town.world.advance(2_000);
  expect(await town.flagged('sendRefused')).toBe(1);
  town.say(contact, 'again');
  await town.world.advance(2_000);
  expect(town.answers({ to: contact })).toHaveLength(1);
  await town.expectQuiet();
});

test('a send that was accepted and then failed flags its conversation', async () => {
  const town = await createTown();
  town.meta.faults.set({ failAfterAccept: { next: 1 } });
  town.say(contact, 'hello');
  await town.world.advance(5_000);
  expect(await town.flagged('sendFailed')).toBe(1);
  await town.expectQuiet();
});

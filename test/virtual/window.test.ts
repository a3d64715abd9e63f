import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { createTown } from './town.ts';

const contact = '16505551234';
const silent = { tenants: [{ id: 'acme', settings: { receipts: 'none' } }] };

test('an answer whose service window closed while it waited is not attempted, and its conversation is flagged (I9)', async () => {
  const town = await createTown(silent);
  const graph = town.outage();
  town.say(contact, 'hello', { timestampMs: town.world.nowMs() - limits.serviceWindowMs + 60_000 });
  await town.world.advance(50_000);
  expect(await town.flags()).toEqual([]);
  await town.world.advance(20_000);
  graph.end();
  await town.world.advance(60_000);
  expect(town.answers()).toEqual([]);
  expect(await town.flagged('windowClosed')).toBe(1);
  expect((await town.audit()).missing).toEqual([]);
  town.say(contact, 'are you there?');
  await town.world.advance(5_000);
  expect(town.answers({ to: contact })).toHaveLength(1);
  await town.expectQuiet();
});

test('after an outage: messages inside the window are answered, older ones are flagged without a model call (I9)', async () => {
  const town = await createTown(silent);
  await town.stop();
  town.say(contact, 'yesterday');
  town.at(20 * 3_600_000, () => void town.say('16505550000', 'today'));
  await town.world.advance(26 * 3_600_000);
  await town.start();
  town.meta.retryNow(town.world.nowMs());
  town.pumpMeta();
  await town.world.advance(60_000);
  expect(town.texts()).toEqual(['Echo: today']);
  expect(town.ai.stats().calls).toBe(1);
  expect(await town.flagged('windowClosed')).toBe(1);
  await town.expectQuiet();
});

test('an old message beside a new one: the old one is flagged, the new one is answered', async () => {
  const town = await createTown(silent);
  town.say(contact, 'old', { timestampMs: town.world.nowMs() - limits.serviceWindowMs - 1_000 });
  town.say(contact, 'new');
  await town.world.advance(5_000);
  expect(town.texts()).toHaveLength(1);
  expect(town.texts()[0]).toContain('new');
  expect(await town.flagged('windowClosed')).toBe(1);
  await town.expectQuiet();
});

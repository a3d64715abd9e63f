import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import { limits } from '#core/limits.ts';
import { template } from '#core/model/send-builders/index.ts';
import { createTown } from './town.ts';

const contact = '16505551234';
const silent = { tenants: [{ id: 'acme', settings: { receipts: 'none' } }] };

const shop = defineDialog({
  name: 'shop',
  version: 1,
  context: z.object({}),
  start: 'open',
  ifWindowClosed: template({ name: 'hello_world', language: 'en_US' }),
  states: ({ ask, end }) => ({
    open: ask({ question: 'What would you like?', next: 'done' }),
    done: end({ say: 'Thank you.' }),
  }),
});

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

test('a send that Meta accepts and then reports as outside the window: its template leaves after it, once, and nobody is asked', async () => {
  const town = await createTown({
    tenants: [{ id: 'acme', dialog: 'shop', settings: { receipts: 'none' } }],
    dialogs: [shop],
  });
  const faults = { failAfterAccept: { next: 1, code: 131_047 }, duplicateWebhook: { rate: 1, maxMs: 5_000 } };
  town.meta.faults.set(faults);
  town.say(contact, 'hello');
  await town.world.advance(120_000);
  const sent = town.events('sendAccepted');
  expect(sent.map(({ type }) => type)).toEqual(['text', 'template']);
  expect(new Set(sent.map(({ opaque }) => opaque)).size).toBe(2);
  expect(await town.flags()).toEqual([]);
  await town.expectQuiet();
});

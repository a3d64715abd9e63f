import { expect, test } from 'vitest';
import { createTown } from './town.ts';

const contact = '16505551234';

test('work that starts shows the read receipt and the typing sign at once, of the newest message', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', settings: { quietMs: 500 } }] });
  town.say(contact, 'one');
  await town.world.advance(200);
  const { wamid, atMs } = town.say(contact, 'two');
  await town.world.advance(700);
  const receipts = town.events('readReceipt');
  expect(receipts.map((receipt) => receipt.wamid)).toEqual([wamid]);
  expect(receipts[0]!.atMs - atMs).toBeLessThan(510);
  expect(town.events('typing')).toHaveLength(1);
});

test.each([
  { receipts: 'read', read: 1, typing: 0 },
  { receipts: 'none', read: 0, typing: 0 },
])('a number may show less: $receipts', async ({ receipts, read, typing }) => {
  const town = await createTown({ tenants: [{ id: 'acme', settings: { receipts } }] });
  town.say(contact, 'hello');
  await town.world.advance(5_000);
  expect([town.events('readReceipt').length, town.events('typing').length]).toEqual([read, typing]);
});

test('are dropped where the number is busy, and never delay an answer (I6)', async () => {
  const run = async (receipts: string) => {
    const town = await createTown({ tenants: [{ id: 'acme', numberPerSecond: 10, settings: { receipts } }] });
    for (let i = 0; i < 100; i += 1) town.at(i * 20, () => void town.say(`1650777${1_000 + i}`, `m${i}`));
    await town.world.advance(40_000);
    expect(town.answers()).toHaveLength(100);
    return { town, lastAtMs: Math.max(...town.answers().map((answer) => answer.atMs)) };
  };
  const without = await run('none');
  const shown = await run('typing');
  expect(shown.lastAtMs - without.lastAtMs).toBeLessThanOrEqual(300);
  expect(await shown.town.metric('nightdesk_receipts_total', 'dropped')).toBeGreaterThan(80);
  expect(shown.town.counter('refused.130429')).toBe(0);
});

test('are best effort: an error or silence of Graph about them changes nothing', async () => {
  const town = await createTown();
  town.meta.faults.set({ graphError: [{ code: 131000, next: 1 }] });
  town.say(contact, 'hello');
  await town.world.advance(5_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  expect(await town.metric('nightdesk_receipts_total', 'failed')).toBe(1);
  expect(await town.flags()).toEqual([]);
  await town.expectQuiet();
});

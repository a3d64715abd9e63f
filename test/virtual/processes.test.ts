import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { failingStore } from './store-faults.ts';
import { createTown } from './town.ts';

test('tenants that are applied in one process are known to the others within a sweep (I9)', async () => {
  const town = await createTown({ tenants: [{ id: 'acme' }] });
  const [first] = town.processes;
  await town.start({ singleOwner: false });
  town.tenants.push({ id: 'late' });
  const number = { id: town.numberOf('late'), wabaId: town.wabaOf('late'), displayNumber: '+100010' };
  town.meta.setup({ phoneNumbers: [number], accessTokens: ['token of late'] }, town.world.nowMs());
  const second = town.nightdesk;
  if (first !== undefined) town.nightdesk = first.nightdesk;
  await town.apply();
  town.nightdesk = second;
  // The second process gets the webhooks: what it does not know yet waits in quarantine.
  town.say('16505551234', 'hello', { tenant: 'late' });
  await town.world.advance(limits.sweepEveryMs + 2_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  await town.expectQuiet();
});

// Simulation seeds 5430 and 5683: the sweep owned the activity and then failed, so nobody began it for ever.
test('an activity that a sweep found is begun although the tenants cannot be followed (I9)', async () => {
  const failing = failingStore(() => 0);
  const town = await createTown({ wrapStore: failing.wrap });
  town.ai.set({ latencyMs: { minMs: 2_000, maxMs: 2_000 } });
  const [first] = town.processes;
  await town.start({ singleOwner: false });
  const second = town.nightdesk;
  town.processes.reverse();
  town.say('16505551234', 'hello');
  await town.world.advance(1_000);
  town.tenants[0]!.sendsPerSecondMax = 5;
  if (first !== undefined) town.nightdesk = first.nightdesk;
  await town.apply();
  failing.rates = { listQuarantine: 1 };
  first?.world.kill();
  town.processes.reverse();
  town.nightdesk = second;
  await town.world.advance(limits.leaseTtlMs * 2 + limits.sweepEveryMs + 5_000);
  expect(failing.failures).toBeGreaterThan(0);
  expect(town.texts()).toEqual(['Echo: hello']);
  await town.expectQuiet();
});

import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
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

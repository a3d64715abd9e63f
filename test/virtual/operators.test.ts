import { describe, expect, test } from 'vitest';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { limits } from '#core/limits.ts';
import { createTown, type Town } from './town.ts';

const contact = '16505551234';

async function thinkingTown(): Promise<Town> {
  const town = await createTown();
  town.ai.set({ latencyMs: { minMs: 3_000, maxMs: 3_000 } });
  return town;
}

const args = async (town: Town) => ({ ...(await town.ref(contact)), by: 'Ann' });

describe('taking over while the bot is thinking', () => {
  test('ends its call; what it would have said is never said, and its message is seen by the operator (I9)', async () => {
    const town = await thinkingTown();
    town.say(contact, 'hello');
    await town.world.advance(1_000);
    await town.command('take', await args(town));
    await town.world.advance(10_000);
    expect(town.texts()).toEqual([]);
    expect(town.ai.calls(1)[0]?.end).toBe('aborted');
    const audit = await town.audit();
    expect(audit.byEnd).toEqual({ seenByOperator: 1 });
    await town.expectQuiet();
  });

  test('withdraws what was said and has not left', async () => {
    const town = await createTown();
    const graph = town.outage();
    town.say(contact, 'hello');
    await town.world.advance(5_000);
    const { withdrawn } = await town.command<{ withdrawn: number }>('take', await args(town));
    graph.end();
    await town.world.advance(60_000);
    expect(withdrawn).toBe(1);
    expect(town.texts()).toEqual([]);
    await town.expectQuiet();
  });

  test("what came in meanwhile is the operator's, and no model is asked", async () => {
    const town = await thinkingTown();
    town.say(contact, 'hello');
    await town.world.advance(1_000);
    await town.command('take', await args(town));
    for (let i = 0; i < 3; i += 1) town.at(i * 1_000, () => void town.say(contact, `m${i}`));
    await town.world.advance(60_000);
    expect(town.texts()).toEqual([]);
    expect(town.ai.stats().calls).toBe(1);
    expect((await town.audit()).byEnd).toEqual({ seenByOperator: 4 });
  });
});

describe('handing back', () => {
  test("answers only what came after the operator's last word", async () => {
    const town = await thinkingTown();
    town.say(contact, 'one');
    await town.world.advance(500);
    town.say(contact, 'two');
    await town.world.advance(500);
    await town.command('take', await args(town));
    town.say(contact, 'three');
    await town.world.advance(1_000);
    await town.command('reply', { ...(await args(town)), text: 'I am Ann.' });
    await town.world.advance(1_000);
    town.say(contact, 'four');
    await town.world.advance(1_000);
    await town.command('handback', await args(town));
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['I am Ann.', 'Echo: four']);
    await town.expectQuiet();
  });

  test('answers what the bot was thinking about when a merge brought its conversation under a hold (I9, seed 895)', async () => {
    const town = await thinkingTown();
    const customer = town.meta.contacts.create({ phone: contact, userId: 'US.1', phoneHidden: true });
    town.say(customer.id, 'by id');
    await town.world.advance(1_000);
    await town.command('take', { ...(await town.ref('US.1')), by: 'Ann' });
    town.meta.contacts.change(customer, { userId: null, phoneHidden: false });
    town.say(customer.id, 'by phone');
    await town.world.advance(1_000);
    const phoneNumberId = town.numberOf('acme');
    town.meta.inbound.changeAddress(
      { phoneNumberId, contact: customer.id, userId: 'US.1' },
      town.world.nowMs(),
    );
    town.pumpMeta();
    await town.world.advance(10_000);
    expect(town.texts()).toEqual([]);
    await town.command('handback', await args(town));
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['Echo: by phone']);
    await town.expectQuiet();
  });

  test('says nothing where the operator has seen everything, also what came while the bot was thinking', async () => {
    const town = await thinkingTown();
    town.say(contact, 'one');
    await town.world.advance(500);
    town.say(contact, 'two');
    await town.world.advance(500);
    await town.command('take', await args(town));
    await town.command('reply', { ...(await args(town)), text: 'I am Ann.' });
    await town.world.advance(1_000);
    const calls = town.ai.stats().calls;
    await town.command('handback', await args(town));
    await town.world.advance(20_000);
    expect(town.texts()).toEqual(['I am Ann.']);
    expect(town.ai.stats().calls).toBe(calls);
    town.say(contact, 'three');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['I am Ann.', 'Echo: three']);
    await town.expectQuiet();
  });
});

test('the owner answers on their phone: an echo takes over, and the bot falls silent', async () => {
  const town = await thinkingTown();
  town.say(contact, 'hello');
  await town.world.advance(1_000);
  town.echo(contact, 'I am here myself.');
  await town.world.advance(20_000);
  town.say(contact, 'thanks');
  await town.world.advance(20_000);
  expect(town.texts()).toEqual([]);
  await town.command('handback', await args(town));
  await town.world.advance(10_000);
  expect(town.texts()).toEqual(['Echo: thanks']);
  await town.expectQuiet();
});

test('a customer who asks for a person: the tool handOff, one text, a flag, and then people', async () => {
  const town = await createTown();
  town.say(contact, 'a human, please');
  await town.world.advance(5_000);
  town.say(contact, 'hello?');
  await town.world.advance(5_000);
  expect(town.texts()).toEqual([defaultTexts.handOff]);
  expect((await town.flags())[0]).toMatchObject({ reason: 'customerAsked', holder: 'operator' });
  await town.expectQuiet();
});

test('a hold that nobody works is told of once, or ends by the rule of its tenant', async () => {
  const town = await createTown({ tenants: [{ id: 'acme' }, { id: 'bolt', holdIdle: 'handBack' }] });
  for (const tenant of ['acme', 'bolt']) {
    town.say(contact, 'a human, please', { tenant });
    await town.world.advance(5_000);
    town.say(contact, 'hello?', { tenant });
  }
  await town.world.advance(limits.holdIdleMs + 120_000);
  expect(await town.metric('nightdesk_alerts_total', 'holdIdle')).toBe(1);
  expect(town.texts()).toEqual([defaultTexts.handOff, defaultTexts.handOff, 'Echo: hello?']);
  await town.expectQuiet();
});

test('what a restore holds is not given back by the rule of its tenant until a person says so', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', holdIdle: 'handBack' }] });
  town.ai.set({ latencyMs: { minMs: 3_000, maxMs: 3_000 } });
  town.say(contact, 'hello');
  await town.world.advance(1_000);
  await town.done(town.store.holdAfterRestore({ nowMs: town.world.nowMs() }));
  await town.world.advance(limits.holdIdleMs + 120_000);
  expect(await town.metric('nightdesk_alerts_total', 'holdIdle')).toBeGreaterThan(0);
  expect(town.texts()).toEqual([]);
  await town.command('handback', await args(town));
  await town.world.advance(10_000);
  expect(town.texts()).toEqual(['Echo: hello']);
  await town.expectQuiet();
});

/**
 * The same signed body again. Meta's signature covers no time, so a body that somebody recorded stays valid for ever; what
 * keeps it from being answered twice is the id of the message (I2), and after that has been forgotten the message's own time.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { signBody } from '#pipeline/webhook/signature.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { createTown, type Town } from '../virtual/town.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const contact = '16505551234';
const retentionDays = 30;

interface Recorded {
  rawBody: Buffer;
  signature: string;
}

/** What somebody on the way wrote down. */
function record(town: Town, make: (webhooks: ReturnType<typeof createWebhooks>) => string): Recorded {
  const webhooks = createWebhooks({
    phoneNumberId: town.numberOf('acme'),
    wabaId: town.wabaOf('acme'),
    from: { phone: contact },
    nowMs: () => town.world.nowMs(),
  });
  const rawBody = Buffer.from(make(webhooks));
  return { rawBody, signature: signBody('app secret', rawBody) };
}

async function replay(town: Town, { rawBody, signature }: Recorded): Promise<void> {
  const answer = town.nightdesk.webhook.receive({ rawBody: Buffer.from(rawBody), signature });
  expect(await town.done(answer)).toEqual({ status: 200 });
  await town.world.advance(minuteMs);
}

/** A town whose Meta lets the bot answer a customer whose message it did not deliver itself. */
const openTown = () => createTown({ meta: { rules: { serviceWindow: 'off', unknownRecipient: 'create' } } });

/** Lets time pass without the work of every second, then long enough for what is old to be pruned. */
async function wait(town: Town, ms: number): Promise<void> {
  town.world.pause(ms);
  await town.world.advance(5 * minuteMs);
}

const isKnown = async (town: Town) => (await town.audit()).events;

describe('a signed body that is posted again', () => {
  test.each([
    ['at once', 0],
    ['after a minute', minuteMs],
    ['after an hour', 60 * minuteMs],
    ['after a day', dayMs],
    ['after 7 days, the last of Meta’s own repeats', 7 * dayMs],
    ['after 8 days', 8 * dayMs],
    ['after 9 days and an hour', limits.dedupeKeepMs + 60 * minuteMs],
    ['after 29 days', 29 * dayMs],
  ])('I2 %s is a duplicate: stored once, answered once', async (_when, ms) => {
    const town = await openTown();
    const body = record(town, (webhooks) =>
      webhooks.body([webhooks.text({ text: 'pay 10', wamid: 'wamid.r' })]),
    );
    await replay(town, body);
    expect(town.texts()).toHaveLength(1);
    await wait(town, ms);
    for (let times = 0; times < 3; times++) await replay(town, body);
    expect(town.texts()).toHaveLength(1);
    expect(await isKnown(town)).toBe(1);
    expect(await town.metric('nightdesk_events_duplicate_total')).toBe(3);
    expect(await town.flags()).toEqual([]);
  });

  test('while its answer is being made, and after a crash in the middle of it, is answered once', async () => {
    const town = await openTown();
    const body = record(town, (webhooks) =>
      webhooks.body([webhooks.text({ text: 'once', wamid: 'wamid.c' })]),
    );
    const receive = () => town.nightdesk.webhook.receive(body);
    await town.done(Promise.all(Array.from({ length: 20 }, receive)));
    town.crash();
    await town.start();
    await town.done(Promise.all(Array.from({ length: 20 }, receive)));
    await town.world.advance(10 * minuteMs);
    await replay(town, body);
    expect(town.texts()).toHaveLength(1);
    await town.expectQuiet();
  });

  test('on the tenant’s own path, where it came by the shared one, is the same message', async () => {
    const town = await openTown();
    const body = record(town, (webhooks) =>
      webhooks.body([webhooks.text({ text: 'once', wamid: 'wamid.p' })]),
    );
    await replay(town, body);
    expect(await town.done(town.nightdesk.webhook.receive({ ...body, tenantId: 'acme' }))).toEqual({
      status: 200,
    });
    await town.world.advance(minuteMs);
    expect([town.texts().length, await isKnown(town)]).toEqual([1, 1]);
  });

  test('in parts of other batches is known by its messages, not by its bytes', async () => {
    const town = await openTown();
    const one = (webhooks: ReturnType<typeof createWebhooks>) =>
      webhooks.text({ text: 'one', wamid: 'wamid.1' });
    const alone = record(town, (webhooks) => webhooks.body([one(webhooks)]));
    const both = record(town, (webhooks) =>
      webhooks.body([one(webhooks), webhooks.text({ text: 'two', wamid: 'wamid.2' })]),
    );
    await replay(town, alone);
    await replay(town, both);
    await replay(town, alone);
    expect(await isKnown(town)).toBe(2);
    town.expectAnsweredOnce();
  });

  test('after its retention is stored anew and still not answered: its own time is past the service window', async () => {
    const town = await openTown();
    const body = record(town, (webhooks) =>
      webhooks.body([webhooks.text({ text: 'pay 10', wamid: 'wamid.o' })]),
    );
    await replay(town, body);
    await wait(town, (retentionDays + 1) * dayMs);
    expect(await isKnown(town)).toBe(0);
    await replay(town, body);
    expect(await isKnown(town)).toBe(1);
    expect(town.texts()).toHaveLength(1);
    expect((await town.flags()).map(({ reason }) => reason)).toEqual(['windowClosed']);
    await replay(town, body);
    expect([town.texts().length, await isKnown(town), (await town.flags()).length]).toEqual([1, 1, 1]);
  });

  test('as a status changes nothing: what was read stays read', async () => {
    const town = await openTown();
    town.say(contact, 'hello');
    await town.world.advance(10 * minuteMs);
    const [send] = await town.store.listSends({ states: ['accepted'], max: 1 });
    const before = send?.delivery;
    expect(before).toBe('read');
    const old = record(town, (webhooks) =>
      webhooks.body([
        webhooks.status({ wamid: send?.wamid ?? '', opaque: send?.sendId ?? '', status: 'sent' }),
      ]),
    );
    for (const ms of [0, dayMs, 8 * dayMs]) {
      await wait(town, ms);
      await replay(town, old);
      const [after] = await town.store.listSends({ states: ['accepted'], max: 1 });
      expect(after).toMatchObject({ sendId: send?.sendId, delivery: before });
    }
    expect(town.texts()).toHaveLength(1);
  });

  test('as an owner’s word on their phone takes the conversation over once; after its retention again, as SECURITY.md says', async () => {
    const town = await openTown();
    town.say(contact, 'hello');
    await town.world.advance(minuteMs);
    const echo = record(town, (webhooks) => webhooks.body([webhooks.echo({ wamid: 'wamid.e' })]));
    await replay(town, echo);
    const ref = await town.ref(contact);
    await town.command('handback', { ...ref, by: 'Ann' });
    const asks = async (text: string) => {
      await replay(town, echo);
      town.say(contact, text);
      await town.world.advance(minuteMs);
      return town.texts().some((said) => said.includes(text));
    };
    await wait(town, 8 * dayMs);
    expect(await asks('are you there?')).toBe(true);
    await wait(town, retentionDays * dayMs);
    expect(await asks('and now?')).toBe(false);
  });
});

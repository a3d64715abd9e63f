import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { mostInOneSecond, wordsOf } from './measure.ts';
import { failingStore } from './store-faults.ts';
import { createTown, type Town } from './town.ts';

/**
 * A town in which everything goes wrong by chance, then nothing: first safety (nothing is said twice, no pace is passed),
 * and when all is mended liveness (nothing is under way, nothing is missing). A seed that fails repeats itself.
 */
const contacts = Array.from({ length: 12 }, (_, i) => `1650777${1_000 + i}`);

function breakEverything(town: Town, draw: () => number): void {
  const rate = (most: number) => ({ rate: draw() < 0.5 ? 0 : draw() * most });
  town.meta.faults.set({
    loseAnswer: rate(0.1),
    loseAnswerAfterHeaders: rate(0.1),
    hangAnswer: rate(0.05),
    duplicateWebhook: { ...rate(0.5), maxMs: 5_000 },
    shuffleWebhooks: { ...rate(0.5), maxMs: 1_500 },
    batchWebhooks: { updatesMax: draw() < 0.5 ? 1 : 5, waitMs: 100 },
    statusBeforeAnswer: rate(0.3),
    statusLate: { ...rate(0.2), minMs: 1_000, maxMs: 20_000 },
    badSignature: rate(0.1),
    http5xxWithoutBody: { ...rate(0.05), accept: draw() < 0.5 },
    latencyMs: { minMs: 0, maxMs: Math.floor(draw() * 300) },
    graphError: [
      { code: 131000, ...rate(0.05), accept: draw() < 0.5 },
      { code: 130429, ...rate(0.05) },
      { code: 131056, ...rate(0.03) },
      { code: 131026, ...rate(0.02) },
    ],
  });
  town.ai.set({
    latencyMs: { minMs: 50, maxMs: 4_000 },
    hang: rate(0.05),
    fail: rate(0.1),
    rateLimit: rate(0.1),
    loseAnswer: rate(0.05),
  });
}

async function live(town: Town, draw: () => number): Promise<number> {
  let said = 0;
  for (let step = 0; step < 40; step += 1) {
    for (let i = Math.floor(draw() * 5); i > 0; i -= 1) {
      town.say(contacts[Math.floor(draw() * contacts.length)]!, `m${said++}`);
    }
    if (draw() < 0.06) {
      town.crash();
      await town.world.advance(Math.floor(draw() * 5_000));
      await town.start();
    }
    if (draw() < 0.05) await takeOver(town, contacts[Math.floor(draw() * contacts.length)]!);
    await town.world.advance(Math.floor(draw() * 1_500));
  }
  return said;
}

async function takeOver(town: Town, contact: string): Promise<void> {
  const args = { ...(await town.ref(contact).catch(() => null)), by: 'Ann' };
  if (!('conversationId' in args)) return;
  const mayFail = (name: string, more = {}) => town.command(name, { ...args, ...more }).catch(() => null);
  await mayFail('take');
  await mayFail('reply', { text: `I am Ann, ${town.world.nowMs()}` });
  await town.world.advance(500);
  for (let held = true; held; ) held = (await mayFail('handback')) === null;
}

test.each(Array.from({ length: 8 }, (_, i) => i + 1))(
  'whatever goes wrong, nothing is lost and nothing said twice (I3, I5, I6, I9, I11; seed %i)',
  async (seed) => {
    const draw = seededRandom(seed);
    const failing = failingStore(seededRandom(seed + 1_000));
    const town = await createTown({
      seed,
      tenants: [
        {
          id: 'acme',
          sendsPerSecondMax: 20,
          settings: { quietMs: seed % 3 === 0 ? 700 : 0, overlap: seed % 2 === 0 ? 'interrupt' : 'queue' },
        },
      ],
      wrapStore: failing.wrap,
      networkMs: { minMs: 1, maxMs: 20 },
    });
    breakEverything(town, draw);
    failing.rates = {
      append: 0.05,
      recordStatuses: 0.05,
      commitTurn: 0.05,
      settleActivity: 0.05,
      grantSends: 0.05,
      settleSends: 0.05,
      takeConversations: 0.05,
    };
    const said = await live(town, draw);
    failing.rates = {};
    town.meta.faults.clear();
    town.ai.clear();
    town.meta.retryNow(town.world.nowMs());
    town.pumpMeta();
    await town.world.advance(limits.uncertainCapMs + 900_000);

    expect(mostInOneSecond(town.answers())).toBeLessThanOrEqual(22);
    const audit = await town.audit();
    expect({
      missing: audit.missing,
      underWay: audit.underWay,
      events: audit.events - (audit.byEnd.noAnswerNeeded ?? 0),
    }).toEqual({ missing: [], underWay: 0, events: said });
    town.expectAnsweredOnce();
    for (const to of contacts) expectInOrder(town, to);
  },
);

/** Where the 200 of one message was there before the next one was posted, it is answered not later than that (I3). */
function expectInOrder(town: Town, to: string): void {
  const placeOf = new Map(wordsOf(town.answers({ to })).map((word, place) => [word, place]));
  const said = town.meta.said.filter(({ contactId }) => town.meta.contacts.find(contactId)?.phone === to);
  for (const later of said) {
    for (const { text, acknowledgedAtMs } of said) {
      if (acknowledgedAtMs === null || acknowledgedAtMs >= later.atMs) continue;
      const [first, second] = [placeOf.get(text ?? ''), placeOf.get(later.text ?? '')];
      if (first !== undefined && second !== undefined)
        expect([text, first]).toEqual([text, Math.min(first, second)]);
    }
  }
}

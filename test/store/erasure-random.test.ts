/**
 * People who write, are answered, held, merged and paid for at random, and are erased at any moment: whatever was under way
 * then ends later, and must bring nothing back.
 */
import { afterEach, expect, test } from 'vitest';
import type { Sender } from '#core/model/events.ts';
import type { Granted, RunnableActivity, SendSettlement, TakenConversation } from '#core/ports/store.ts';
import { type Database, openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import {
  accepted,
  type CommitParts,
  hourMs,
  nth,
  owner,
  phoneNumber,
  Scene,
} from '#testing/store-conformance/scene.ts';
import { everyRow } from './every-row.ts';

const other = phoneNumber({}, { phoneNumberId: '200' });

let scene: Scene;
let db: Database;

afterEach(() => scene.close());

const activityCost = {
  ...{ currency: 'EUR', amountMicros: 900 },
  ...{ onUncertain: 'retryWithKey' as const, late: 'reuse' as const },
};

/** A few people, of whom some are two contacts until they prove to be one, and each of whom may be erased at any moment. */
class Town {
  readonly #random: () => number;
  readonly #words = new Map<number, number>();
  /** Words that must be nowhere any more. */
  readonly gone: string[] = [];
  #taken: TakenConversation[] = [];
  #granted: Extract<Granted, { outcome: 'granted' }>[] = [];
  #running: RunnableActivity[] = [];
  readonly #asked = new Set<string>();
  #ids = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  #below(max: number): number {
    return Math.floor(this.#random() * max);
  }

  /** What everything is told with that has to do with a person, until they are erased. */
  #word(person: number): string {
    return `word${person}x${this.#words.get(person) ?? 0}y`;
  }

  #from(person: number): Sender {
    const name = this.#word(person);
    const whole = { phone: `1555000${person}`, bsuid: `US.${person}`, name };
    return [whole, { phone: whole.phone, name }, { bsuid: whole.bsuid, name }][this.#below(3)] ?? whole;
  }

  /** Of whom a turn, a send or an activity is: what it is told with stands in what was said before. */
  #wordIn(value: unknown): string {
    return /word\d+x\d+y/.exec(JSON.stringify(value))?.[0] ?? 'nobody';
  }

  async step(): Promise<void> {
    scene.advance(1_000);
    const person = this.#below(4);
    const steps = [
      () =>
        scene.say(this.#word(person), {
          from: this.#from(person),
          number: this.#below(3) ? scene.number : other,
        }),
      () => this.#take(),
      () => this.#commit(),
      () => this.#grant(),
      () => this.#settle(),
      () => this.#end(),
      () => this.#hold(),
      () => this.#erase(person),
    ];
    await steps[this.#below(this.#random() < 0.5 ? steps.length - 1 : steps.length)]?.();
  }

  async #work() {
    return scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 100 });
  }

  async #take(): Promise<void> {
    const { conversations, activities } = await this.#work();
    this.#running.push(...activities);
    const refs = conversations.map(({ ref }) => ref);
    const taken = await scene.store.takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs });
    this.#taken.push(...taken.filter((each) => each.outcome === 'taken'));
  }

  /** Of a turn that was taken some steps ago. */
  async #commit(): Promise<void> {
    const taken = this.#taken.shift();
    if (taken === undefined) return;
    const word = this.#wordIn(taken.events);
    const activityId = `act_${++this.#ids}`;
    const last = Math.max(...taken.events.map(({ position }) => position));
    const sends = [scene.newSend(word), scene.newSend(word)];
    const flagId = scene.id('flg');
    const activity = {
      activityId,
      name: 'x',
      input: word,
      deadlineMs: hourMs,
      claims: [],
      cost: activityCost,
    };
    const kinds: CommitParts[] = [
      { sends, ends: [{ end: 'answered', endRef: nth(sends, 0).sendId, through: last }] },
      { activities: [activity] },
      {
        flags: [{ flagId, reason: 'customerAsked', detail: word }],
        ends: [{ end: 'flagged', endRef: flagId, through: last }],
      },
    ];
    const commit = scene.commitOf(taken, { dialogState: JSON.stringify(word), ...kinds[this.#below(3)] });
    const committed = await scene.store.commitTurn(commit);
    if (committed.outcome !== 'committed') return;
    this.#running.push(...committed.activities);
    // Awaiting with nobody at work is what an audit would find.
    if (commit.ends.length === 0 && commit.activities.length === 0) throw new Error('a turn without an end');
  }

  async #grant(): Promise<void> {
    const { sends } = await this.#work();
    const granted = await scene.grant(sends);
    this.#granted.push(...granted.filter((each) => each.outcome === 'granted'));
  }

  async #settle(): Promise<void> {
    const granted = this.#granted.shift();
    if (granted === undefined) return;
    const later = { atMs: scene.nowMs, pace: null, countsAsAttempt: true, errorCode: null };
    const outcomes: SendSettlement['outcome'][] = [
      accepted(`wamid.${granted.send.sendId}`, `1777000${this.#below(9)}`),
      { kind: 'retryLater', ...later },
      { kind: 'uncertain', why: 'no answer', windowMs: 1, errorCode: null },
    ];
    await scene.settle(granted, outcomes[this.#below(3)] ?? accepted('wamid.x'));
    if (this.#below(2) === 0) await scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 });
  }

  /** Of an activity whose provider was asked some steps ago, or not at all. */
  async #end(): Promise<void> {
    const run = this.#running.shift();
    if (run === undefined) return;
    const by = { ref: run.ref, activityId: run.activityId, ownerId: owner, nowMs: scene.nowMs };
    if (!this.#asked.has(run.activityId) && this.#below(4) > 0) {
      await scene.store.beginAttempt(by);
      this.#asked.add(run.activityId);
      this.#running.push(run);
      return;
    }
    const isCharged = this.#asked.has(run.activityId);
    const charge = isCharged ? { kind: 'charged' as const, amountMicros: 5 } : { kind: 'unknown' as const };
    await scene.store.settleActivity({ ...by, result: this.#wordIn(run.input), charge });
  }

  async #hold(): Promise<void> {
    const { conversations } = await this.#work();
    const ref = conversations[0]?.ref;
    if (ref === undefined) return;
    await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
    await scene.store.handBack({ ref, by: 'ann', nowMs: scene.nowMs });
  }

  async #erase(person: number): Promise<void> {
    const contacts = await Promise.all(
      [`1555000${person}`, `US.${person}`].map((contact) =>
        scene.store.findContacts({ tenantId: 'acme', contact }),
      ),
    );
    const { nowMs } = scene;
    const of = { tenantId: 'acme', fileIds: [], filesSeenAtMs: nowMs, by: 'ann', nowMs };
    for (const contactId of new Set(contacts.flat())) await scene.store.eraseContact({ ...of, contactId });
    this.gone.push(this.#word(person));
    this.#words.set(person, (this.#words.get(person) ?? 0) + 1);
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'erased people leave no word, no event without an end, no money astray (seed %i)',
  async (seed) => {
    db = openDatabase(':memory:');
    const store = storeOn(db, { soon: (fn) => void setImmediate(fn), random: seededRandom(5) });
    scene = new Scene({ store, close: () => store.close() });
    const town = new Town(seed);
    for (let i = 0; i < 600; i++) await town.step();
    expect(town.gone.length).toBeGreaterThan(20);
    const rows = everyRow(db);
    expect(rows.filter((row) => town.gone.some((word) => row.includes(word)))).toEqual([]);
    expect((await scene.audit()).missing).toEqual([]);
    expect((await scene.store.readLedger({ by: [] })).unbalanced).toBe(0);
  },
);

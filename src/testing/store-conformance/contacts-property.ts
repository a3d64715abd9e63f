/**
 * Random customers under random addresses, with turns, sends, holds and changes of number between them: no event is
 * ever lost or consumed twice, no position is used twice, and in the end everybody is one person.
 */
import assert from 'node:assert/strict';
import type { Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { seededRandom } from '../fake-world.ts';
import { type CaseBody, nth, type Scene, secondMs } from './scene.ts';

const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
const steps = 120;

interface Person {
  phone: string;
  bsuid: string;
  changes: number;
}

class Run {
  readonly scene: Scene;
  readonly random: () => number;
  readonly people: Person[];
  readonly stored = new Set<string>();
  readonly consumed = new Set<string>();
  readonly places = new Map<string, string>();
  /** Which person wrote a message, to see that nobody gets to see another's. */
  readonly writers = new Map<string, number>();

  constructor(scene: Scene, seed: number) {
    this.scene = scene;
    this.random = seededRandom(seed);
    this.people = [0, 1, 2].map((i) => ({ phone: `1555000${i}`, bsuid: `US.${i}`, changes: 0 }));
  }

  pick<T>(list: readonly T[]): T {
    return nth(list, Math.floor(this.random() * list.length));
  }

  senderOf(person: Person): Sender {
    return this.pick<Sender>([
      { phone: person.phone },
      { bsuid: person.bsuid },
      { phone: person.phone, bsuid: person.bsuid },
    ]);
  }

  async step(): Promise<void> {
    this.scene.advance(Math.floor(this.random() * secondMs));
    const dice = this.random();
    if (dice < 0.6) await this.write(this.pick(this.people));
    else if (dice < 0.7) await this.changeNumber(this.pick(this.people));
    else if (dice < 0.95) await this.turn();
    else await this.hold();
  }

  async write(person: Person, from: Sender = this.senderOf(person)): Promise<void> {
    const late = Math.floor(this.random() * 3) * secondMs;
    const message = this.scene.message('x', { from, sentAtMs: this.scene.nowMs - late });
    this.writers.set(message.wamid, this.people.indexOf(person));
    await this.scene.append(message);
    this.stored.add(message.wamid);
    if (this.random() < 0.2) await this.scene.append(message);
  }

  /** The phone always changes, the id sometimes with it; the announcement may come after the first new message. */
  async changeNumber(person: Person): Promise<void> {
    const old = { ...person };
    person.changes += 1;
    person.phone = `${old.phone.slice(0, 8)}${person.changes}`;
    if (this.random() < 0.5) person.bsuid = `${old.bsuid.slice(0, 4)}.${person.changes}`;
    if (this.random() < 0.5) await this.write(person);
    const change = {
      oldPhone: old.phone,
      newPhone: person.phone,
      ...(person.bsuid === old.bsuid ? {} : { oldBsuid: old.bsuid, newBsuid: person.bsuid }),
    };
    const from = { phone: old.phone, bsuid: old.bsuid };
    const content = { system: { type: 'user_changed_number', change } };
    const message = this.scene.message('', { from, kind: 'system', content });
    this.writers.set(message.wamid, this.people.indexOf(person));
    await this.scene.append(message);
    this.stored.add(message.wamid);
  }

  async work(): Promise<ConversationRef[]> {
    const { scene } = this;
    const found = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 100 });
    return found.conversations.map((each) => each.ref);
  }

  /** Takes a conversation and mostly commits; sometimes something merges in between, and the commit is refused. */
  async turn(): Promise<void> {
    const refs = await this.work();
    if (refs.length === 0) return;
    const taken = await this.scene.take(this.pick(refs));
    if (this.random() < 0.3) await this.write(this.pick(this.people));
    const wrote = new Set(taken.events.map((event) => this.writers.get(event.wamid ?? '')));
    wrote.delete(undefined);
    assert.ok(wrote.size <= 1, 'a conversation holds messages of two people');
    const commit = this.scene.commitOf(taken, {
      ends: [{ end: 'noAnswerNeeded', endRef: 'byRule', through: Number.MAX_SAFE_INTEGER }],
    });
    const committed = await this.scene.store.commitTurn(commit);
    if (committed.outcome !== 'committed') return;
    for (const event of taken.events) {
      if (event.wamid === null) continue;
      const place = `${taken.lease.ref.conversationId} ${event.position}`;
      assert.ok(!this.places.has(place), `position ${place} was used twice`);
      this.places.set(place, event.wamid);
      assert.ok(!this.consumed.has(event.wamid), `${event.wamid} was consumed twice`);
      this.consumed.add(event.wamid);
    }
  }

  /** A hold that ends at once: what it saw counts as consumed, so only its undisturbed end is looked at. */
  async hold(): Promise<void> {
    const { store, nowMs } = this.scene;
    const refs = await this.work();
    if (refs.length === 0) return;
    const ref = this.pick(refs);
    const before = await this.scene.take(ref);
    for (const event of before.events) if (event.wamid !== null) this.consumed.add(event.wamid);
    await store.takeOver({ ref, by: 'ann', nowMs });
    if (this.random() < 0.5) await this.write(this.pick(this.people));
    await store.handBack({ ref, by: 'ann', nowMs });
  }

  /** Until nothing waits. */
  async drain(): Promise<void> {
    for (let i = 0; i < 50; i++) {
      const refs = await this.work();
      if (refs.length === 0) return;
      for (const ref of refs) {
        const outcome = await this.scene.takeOutcome(ref);
        if (outcome !== 'taken') continue;
        this.scene.advance(10 * secondMs);
        await this.turn();
      }
    }
    assert.fail('the mailboxes do not become empty');
  }
}

export const contactPropertyCases: readonly CaseBody[] = seeds.map((seed) => ({
  name: `no event is lost or consumed twice under random addresses, changes, turns and holds (seed ${seed})`,
  invariant: 'I3',
  async body(scene) {
    const run = new Run(scene, seed);
    for (let i = 0; i < steps; i++) await run.step();
    for (const person of run.people) {
      await run.write(person, { phone: person.phone, bsuid: person.bsuid });
      const ref = await scene.conversationOf({ bsuid: person.bsuid });
      assert.deepEqual(await scene.conversationOf({ phone: person.phone }), ref);
    }
    scene.advance(60 * secondMs);
    await run.drain();
    assert.deepEqual(
      [...run.stored].filter((wamid) => !run.consumed.has(wamid)),
      [],
      'events were lost',
    );
    const { missing, events } = await scene.audit();
    assert.equal(events, run.stored.size);
    assert.deepEqual(missing, []);
  },
}));

/**
 * What every wake driver must pass, as named cases, independent of any test runner. Run them like this:
 *
 *     for (const { name, run } of wakeConformance(open, { keeps: true })) test(name, run);
 *
 * Each case opens a driver of its own on an empty queue. Cases wait by the driver's own time, which may be virtual, and
 * count looks, never times: that nothing more comes is seen by something later that does. To add a case, add it to the list.
 */
import assert from 'node:assert/strict';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Wake } from '#core/ports/wake.ts';

export interface WakeConformanceCase {
  name: string;
  run(): Promise<void>;
}

export interface OpenedWake {
  wake: Wake;
  /** The clock by which it judges what is due. */
  nowMs(): number;
  /** Lets time pass until `holds`; rejects where it does not within `withinMs` of that clock, or of a patient wall's. */
  until(holds: () => boolean, withinMs: number): Promise<void>;
  /** Stops the driver as a process does and opens another on its queue; absent where a queue ends with its driver. */
  reopen?(): Promise<Wake>;
  close(): Promise<void>;
}

export type OpenWake = () => Promise<OpenedWake>;

/** What is due comes in this time, however busy the machine is. */
const patienceMs = 15_000;
/** Clocks of the queue and of the driver, and what they round. */
const earlyMsMax = 5;
/** What is due now comes within a second where something else is due later; the rest is the machine's. */
const promptMs = 5_000;
const hourMs = 3_600_000;

interface Case {
  name: string;
  /** Only for queues that outlive their driver. */
  needsQueue?: true;
  /** Only for drivers that can change what is in their queue: a task that Google has is served, in its order. */
  needsSay?: true;
  body(scene: Scene): Promise<void>;
}

const ref = (name: string): ConversationRef => ({ tenantId: name.charAt(0), conversationId: name.slice(1) });
const nameOf = ({ tenantId, conversationId }: ConversationRef): string => `${tenantId}${conversationId}`;

/** A driver and whoever looks. Conversations are named by a letter for the tenant and what follows. */
class Scene {
  wake: Wake;
  rings = 0;
  readonly #opened: OpenedWake;
  #sentinels = 0;

  constructor(opened: OpenedWake) {
    this.#opened = opened;
    this.wake = opened.wake;
    this.#listen();
  }

  #listen(): void {
    this.wake.onReady(() => {
      this.rings += 1;
    });
  }

  nowMs(): number {
    return this.#opened.nowMs();
  }

  notify(name: string, atMs?: number): void {
    this.wake.notify(ref(name), atMs);
  }

  looked(name: string): void {
    this.wake.looked(ref(name));
  }

  until(holds: () => boolean, withinMs = patienceMs): Promise<void> {
    return this.#opened.until(holds, withinMs);
  }

  /** Waits for the next one and begins to look at it. */
  async take(withinMs?: number): Promise<string> {
    const taken: string[] = [];
    await this.until(() => {
      if (taken.length === 0) taken.push(...this.wake.next(1).map(nameOf));
      return taken.length > 0;
    }, withinMs);
    return taken[0] ?? '';
  }

  /** Takes and looks, one after the other, until all of `names` were seen; returns what was seen, in order. */
  async lookUntil(names: readonly string[], withinMs?: number): Promise<string[]> {
    const seen: string[] = [];
    while (names.some((name) => !seen.includes(name))) {
      const name = await this.take(withinMs);
      this.looked(name);
      seen.push(name);
    }
    return seen;
  }

  /** Looks until something comes that was announced only now; returns what came before it. */
  async rest(): Promise<string[]> {
    this.#sentinels += 1;
    const sentinel = `z${this.#sentinels}`;
    this.notify(sentinel);
    return (await this.lookUntil([sentinel])).slice(0, -1);
  }

  async reopen(): Promise<void> {
    assert(this.#opened.reopen !== undefined);
    this.wake = await this.#opened.reopen();
    this.#listen();
  }
}

const cases: readonly Case[] = [
  {
    name: 'announced again while it waits, it is looked at once',
    needsSay: true,
    async body(scene) {
      scene.notify('a1');
      scene.notify('a1');
      await scene.until(() => scene.rings > 0);
      scene.notify('a1');
      assert.equal(await scene.take(), 'a1');
      scene.looked('a1');
      assert.deepEqual(await scene.rest(), []);
    },
  },
  {
    name: 'announced while it is looked at, it is looked at again, once',
    async body(scene) {
      scene.notify('a1');
      assert.equal(await scene.take(), 'a1');
      scene.notify('a1');
      scene.notify('a1');
      // Some give it at once, others when the look under way has ended.
      const during = await scene.rest();
      scene.looked('a1');
      const after = during.length > 0 ? [] : await scene.lookUntil(['a1']);
      assert.deepEqual([...during, ...after, ...(await scene.rest())], ['a1']);
    },
  },
  {
    name: 'one that is due later holds up nothing that is due now',
    async body(scene) {
      scene.notify('a1', scene.nowMs() + 3 * hourMs);
      scene.notify('a2', scene.nowMs() + hourMs / 2);
      // What was announced later is with the queue by then, so that the next ones meet it.
      assert.deepEqual(await scene.rest(), []);
      scene.notify('a1');
      scene.notify('a2');
      await scene.lookUntil(['a1', 'a2'], promptMs);
      assert.deepEqual(await scene.rest(), []);
    },
  },
  {
    name: 'one that is due later comes then, and not before',
    async body(scene) {
      const dueAtMs = scene.nowMs() + 400;
      scene.notify('a1', dueAtMs);
      assert.equal(await scene.take(), 'a1');
      assert(scene.nowMs() >= dueAtMs - earlyMsMax, `came ${dueAtMs - scene.nowMs()} ms early`);
    },
  },
  {
    name: 'of two later times the one said last counts, whether it is later or earlier',
    needsSay: true,
    async body(scene) {
      const [soonMs, lateMs] = [scene.nowMs() + 300, scene.nowMs() + 1_200];
      scene.notify('a1', soonMs);
      scene.notify('a2', scene.nowMs() + hourMs / 2);
      assert.deepEqual(await scene.rest(), []);
      scene.notify('a1', lateMs);
      scene.notify('a2', soonMs);
      assert.deepEqual(await scene.lookUntil(['a1']), ['a2', 'a1']);
      assert(scene.nowMs() >= lateMs - earlyMsMax, `came ${lateMs - scene.nowMs()} ms early`);
    },
  },
  {
    name: 'a later time that is said while it is looked at is kept',
    async body(scene) {
      scene.notify('a1', scene.nowMs() + 100);
      assert.equal(await scene.take(), 'a1');
      scene.notify('a1', scene.nowMs() + 300);
      scene.looked('a1');
      assert.deepEqual(await scene.lookUntil(['a1']), ['a1']);
    },
  },
  {
    name: 'one of a quiet tenant does not wait for all of a loud one',
    needsSay: true,
    async body(scene) {
      for (let i = 0; i < 40; i += 1) scene.notify(`a${i}`);
      scene.notify('b1');
      const before = (await scene.lookUntil(['b1'])).length;
      assert(before <= 20, `${before} of a loud tenant came first`);
    },
  },
  {
    name: 'it rings when there is something again',
    async body(scene) {
      for (let round = 1; round <= 3; round += 1) {
        const rings = scene.rings;
        scene.notify(`a${round}`);
        await scene.until(() => scene.rings > rings);
        assert.equal(await scene.take(), `a${round}`);
        scene.looked(`a${round}`);
      }
    },
  },
  {
    name: 'its depth is what waits',
    async body(scene) {
      assert.equal(scene.wake.depth(), 0);
      const names = ['a1', 'a2', 'a3', 'b1', 'b2'];
      for (const name of names) scene.notify(name);
      await scene.until(() => scene.rings > 0 && scene.wake.depth() === names.length);
      const first = await scene.take();
      assert.equal(scene.wake.depth(), names.length - 1);
      scene.looked(first);
      await scene.lookUntil(names.filter((name) => name !== first));
      await scene.until(() => scene.wake.depth() === 0);
    },
  },
  {
    name: 'in any order of announcing, taking and looking, each is looked at after it was announced last',
    async body(scene) {
      const random = seeded(7);
      const under: string[] = [];
      const open = new Set<string>();
      for (let step = 0; step < 400; step += 1) {
        const name = `${'abc'.charAt(random() % 3)}${random() % 5}`;
        const what = random() % 4;
        if (what < 2) {
          scene.notify(name, what === 0 ? scene.nowMs() + (random() % 30) : undefined);
          open.add(name);
        } else if (what === 2) {
          for (const taken of scene.wake.next(1).map(nameOf)) {
            under.push(taken);
            open.delete(taken);
          }
        } else scene.looked(under.shift() ?? 'z0');
        await scene.until(() => true);
      }
      for (const name of under) scene.looked(name);
      await scene.lookUntil([...open]);
    },
  },
  {
    name: 'looking at what nobody announced, and announcing after the end, throw nothing',
    async body(scene) {
      scene.looked('a1');
      scene.notify('a1');
      assert.equal(await scene.take(), 'a1');
      scene.looked('a1');
      scene.looked('a1');
      await scene.wake.stop();
      await scene.wake.stop();
      scene.notify('a2');
      scene.notify('a3', scene.nowMs() + 100);
      scene.looked('a2');
      assert.deepEqual(scene.wake.next(10), []);
    },
  },
  {
    name: 'what was not looked at when a driver stops is given to the next one on its queue',
    needsQueue: true,
    async body(scene) {
      const names = Array.from({ length: 12 }, (_, i) => `${'abc'.charAt(i % 3)}${i}`);
      for (const name of names) scene.notify(name);
      scene.notify('d1', scene.nowMs() + 1_000);
      const [looked, taken] = [await scene.take(), await scene.take()];
      scene.looked(looked);
      await scene.reopen();
      const rest = [...names.filter((name) => name !== looked), 'd1'];
      assert((await scene.lookUntil(rest)).includes(taken));
    },
  },
];

/** Repeatable chance: a linear congruence, of which the upper bits are used. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 12;
  };
}

async function runOne(open: OpenWake, body: Case['body']): Promise<void> {
  const opened = await open();
  try {
    await body(new Scene(opened));
  } finally {
    await opened.close();
  }
}

export interface WakeAbilities {
  /** Its queue outlives it. */
  keeps: boolean;
  /** It can take back or change what is in its queue, and says who comes first; true if absent. */
  says?: boolean;
}

/** All cases on the driver that `open` opens that its abilities ask for. */
export function wakeConformance(
  open: OpenWake,
  { keeps, says = true }: WakeAbilities,
): WakeConformanceCase[] {
  return cases
    .filter(({ needsQueue, needsSay }) => (needsQueue !== true || keeps) && (needsSay !== true || says))
    .map(({ name, body }) => ({ name, run: () => runOne(open, body) }));
}

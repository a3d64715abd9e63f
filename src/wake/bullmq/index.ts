/**
 * Wakes over BullMQ, for several processes on one Redis. A wake is a job that is deduplicated by its conversation: while
 * it waits, announcing again changes nothing; while it is looked at (`keepLastIfActive`), announcing again makes the next
 * job. What is due later has a deduplication id of its own, so that it never swallows what is due now; of two later times
 * the one said last counts (`replace`). A process that runs turns takes jobs (`taker.ts`); the others only add.
 *
 * Nothing depends on Redis but promptness. What it forgets, the sweep over the store finds. While it is away, this
 * process's own ready line takes the wakes, where it runs turns; where it does not, they are the sweep's. Adding is asked
 * for its answer within `wakeAnswerMsMax`; the first failure means away, the first write that succeeds means back.
 */
import type { JobsOptions, Queue } from 'bullmq';
import { limits } from '#core/limits.ts';
import { KnownError, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Urgency, Wake, WakeHealth } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import { Priorities } from './priority.ts';
import { connectRedis, type RedisClient, type RedisLink, troubleOf } from './redis.ts';
import { queueName, Taker } from './taker.ts';
import type { RedisTarget } from './target.ts';

export type { RedisTarget };

/** `npm install` mends it. */
export class MissingLibrary extends KnownError {
  override readonly name = 'MissingLibrary';
}

export interface BullmqWakeOptions {
  redis: RedisTarget;
  world: Pick<World, 'clock' | 'timers' | 'log'>;
  /** The wake inside this process: its ready line, and what takes over while Redis is away. */
  local: Wake;
  /** Whether this process runs turns. */
  takes: boolean;
}

export interface BullmqWake extends Wake {
  health(): WakeHealth;
  /** For an operator's page, over a connection of its own that ends with the wake. */
  openQueue(): Queue;
}

/** Does not wait for Redis. @throws MissingLibrary where BullMQ is not installed. */
export async function openBullmqWake(options: BullmqWakeOptions): Promise<BullmqWake> {
  return new QueuedWake(options, await loadLibraries());
}

interface Libraries {
  bullmq: typeof import('bullmq');
  ioredis: Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>;
}

async function loadLibraries(): Promise<Libraries> {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, ioredis };
  } catch (error) {
    throw new MissingLibrary(
      `WAKE is bullmq, and the packages bullmq and ioredis, which speak to Redis, cannot be loaded (${outlineOf(error)}). Run \`npm install bullmq ioredis\`.`,
    );
  }
}

/** A wake on its way to Redis. */
interface Announced {
  ref: ConversationRef;
  atMs: number | undefined;
  priority: number;
}

class QueuedWake implements BullmqWake {
  readonly #options: BullmqWakeOptions;
  readonly #libraries: Libraries;
  readonly #link: RedisLink;
  readonly #taker: Taker | null;
  readonly #priorities = new Priorities();
  /** All connections but that of `#link`, which adds. */
  readonly #others: RedisLink[] = [];
  /** What waits for the next round trip, by deduplication id. */
  readonly #outgoing = new Map<string, Announced>();
  #queue: Queue | null = null;
  /** `opening` until Redis has answered once or its time is over: wakes wait in `#outgoing`. */
  #state: 'opening' | 'here' | 'away' = 'opening';
  #sending: Promise<void> | null = null;
  #asking = false;
  #laterHere = 0;
  #stopped: Promise<void> | null = null;
  #cancelAsk: () => void = () => {};
  /** Ends the wait of a stop for what can no longer be handed back. */
  #giveUp: () => void = () => {};

  constructor(options: BullmqWakeOptions, libraries: Libraries) {
    this.#options = options;
    this.#libraries = libraries;
    const { redis, world, local } = options;
    this.#link = connectRedis(libraries.ioredis, redis, 'adding');
    const { client } = this.#link;
    client.on('ready', () => void this.#ask());
    client.on('close', () => this.#onClose());
    this.#cancelAsk = world.timers.after(limits.wakeAnswerMsMax, () => void this.#ask());
    this.#taker = options.takes
      ? new Taker({
          ...{ world, line: local, library: libraries.bullmq, client: this.#connect('taking') },
          prefix: redis.prefix,
          announceAgain: (refs) => this.#announceAgain(refs),
        })
      : null;
  }

  #onClose(): void {
    this.#giveUp();
    if (this.#state === 'here') this.#leave('connection closed');
  }

  #connect(use: 'taking' | 'watching'): RedisClient {
    const link = connectRedis(this.#libraries.ioredis, this.#options.redis, use);
    this.#others.push(link);
    return link.client;
  }

  notify(ref: ConversationRef, atMs?: number, urgency: Urgency = 'person'): void {
    if (this.#stopped !== null) return;
    const { clock } = this.#options.world;
    const waitMs = this.#waitMs(atMs);
    if (waitMs > limits.wakeQueuedMsMax) return;
    const { tenantId } = ref;
    const monotonicMs = clock.monotonicMs();
    const priority = this.#priorities.of({ tenantId, urgency, waitMs, monotonicMs });
    const announced = { ref, atMs: waitMs > 0 ? atMs : undefined, priority };
    if (this.#state === 'away') {
      this.#takeOver(announced);
      return;
    }
    if (waitMs === 0 && this.#taker?.isWaiting(ref) === true) return;
    const isLater = waitMs > 0 || urgency === 'timer';
    this.#outgoing.set(`${isLater ? 'later' : 'now'}/${tenantId}/${ref.conversationId}`, announced);
    const [oldest] = this.#outgoing.keys();
    if (this.#outgoing.size > limits.wakesHeldMax && oldest !== undefined) this.#outgoing.delete(oldest);
    this.#sendSoon();
  }

  #waitMs(atMs: number | undefined): number {
    return atMs === undefined ? 0 : Math.max(0, atMs - this.#options.world.clock.nowMs());
  }

  next(max: number): ConversationRef[] {
    return this.#taker?.next(max) ?? [];
  }

  looked(ref: ConversationRef): void {
    this.#taker?.looked(ref);
  }

  onReady(listener: () => void): void {
    this.#options.local.onReady(listener);
    this.#taker?.start();
  }

  depth(): number {
    return this.#options.local.depth() + this.#outgoing.size;
  }

  health(): WakeHealth {
    return { driver: 'bullmq', state: this.#state === 'away' ? 'away' : 'here' };
  }

  openQueue(): Queue {
    return this.#newQueue(this.#connect('watching'));
  }

  #newQueue(client: RedisClient): Queue {
    const queue = new this.#libraries.bullmq.Queue(queueName, {
      connection: client,
      prefix: this.#options.redis.prefix,
      // Nobody reads the events of wakes but an operator for a moment.
      streams: { events: { maxLen: 1_000 } },
    });
    queue.on('error', () => {});
    return queue;
  }

  #sendSoon(): void {
    if (this.#state !== 'here' || this.#sending !== null) return;
    this.#sending = new Promise<void>((resolve) => this.#options.world.timers.soon(resolve))
      .then(() => this.#send())
      .finally(() => {
        this.#sending = null;
        // What came while the last round trip was ending.
        if (this.#outgoing.size > 0) this.#sendSoon();
      });
  }

  /** One round trip after the other, so that a slow Redis gets fewer and larger ones. */
  async #send(): Promise<void> {
    while (this.#outgoing.size > 0 && this.#state === 'here' && this.#queue !== null) {
      const batch = [...this.#outgoing].slice(0, limits.wakeBatchMax);
      for (const [id] of batch) this.#outgoing.delete(id);
      try {
        await this.#queue.addBulk(batch.map(([id, announced]) => this.#jobOf(id, announced)));
      } catch (error) {
        // Some may have come through; looking twice harms nobody.
        for (const [, announced] of batch) this.#takeOver(announced);
        this.#leave(this.#reasonOf(error));
      }
    }
  }

  #jobOf(id: string, { ref, atMs, priority }: Announced): { name: string; data: object; opts: JobsOptions } {
    const { tenantId, conversationId } = ref;
    const isLater = id.startsWith('later/');
    const delay = Math.ceil(this.#waitMs(atMs));
    return {
      name: 'look',
      data: { tenantId, conversationId },
      opts: {
        deduplication: { id, keepLastIfActive: true, ...(isLater ? { replace: true } : {}) },
        priority,
        ...(delay > 0 ? { delay } : {}),
        removeOnComplete: true,
        removeOnFail: true,
      },
    };
  }

  /** Bounded: what finds no room is found by the sweep, as is everything where this process runs no turns. */
  #takeOver({ ref, atMs }: Announced): void {
    const { local, takes } = this.#options;
    if (!takes || local.depth() >= limits.wakesHeldMax) return;
    if (atMs !== undefined) {
      if (this.#laterHere >= limits.wakesHeldMax) return;
      this.#laterHere += 1;
    }
    local.notify(ref, atMs);
  }

  #reasonOf(error: unknown): string {
    const said = this.#link.trouble() ?? troubleOf(error);
    return said ?? (this.#link.client.status === 'ready' ? 'no answer' : 'no connection');
  }

  #leave(reason: string): void {
    if (this.#state === 'away' || this.#stopped !== null) return;
    this.#state = 'away';
    const { world, takes } = this.#options;
    world.log.warn(
      { err: reason },
      takes
        ? 'Redis is away. Conversations are announced inside this process meanwhile; what others announced waits for the sweep. Nothing is lost.'
        : 'Redis is away. What this process announces waits for the sweep of those that run turns. Nothing is lost.',
    );
    for (const link of this.#others) link.suspect();
    for (const announced of this.#outgoing.values()) this.#takeOver(announced);
    this.#outgoing.clear();
    this.#askLater();
  }

  #askLater(): void {
    this.#cancelAsk();
    if (this.#stopped !== null) return;
    this.#cancelAsk = this.#options.world.timers.after(limits.wakeRetryMs, () => void this.#ask());
  }

  /** Whether Redis is here is asked by a write: one that only reads (a full one, a replica) is of no use. */
  async #ask(): Promise<void> {
    if (this.#asking || this.#state === 'here' || this.#stopped !== null) return;
    this.#asking = true;
    const { client } = this.#link;
    try {
      await client.set(`${this.#options.redis.prefix}:here`, '1', 'PX', limits.wakeLockMs);
      await this.#openAddingQueue();
      this.#arrive();
    } catch (error) {
      this.#leave(this.#reasonOf(error));
      this.#link.suspect();
      this.#link.renew();
      this.#askLater();
    } finally {
      this.#asking = false;
    }
  }

  /** BullMQ keeps a failed beginning for good, so a queue is kept only once it has begun. */
  async #openAddingQueue(): Promise<void> {
    if (this.#queue !== null) return;
    const queue = this.#newQueue(this.#link.client);
    try {
      await queue.waitUntilReady();
      this.#queue = queue;
    } catch (error) {
      await queue.close().catch(() => {});
      throw error;
    }
  }

  #arrive(): void {
    if (this.#stopped !== null) return;
    const wasAway = this.#state === 'away';
    this.#state = 'here';
    this.#laterHere = 0;
    this.#cancelAsk();
    if (wasAway) {
      for (const link of this.#others) link.renew();
      this.#options.world.log.warn({}, 'Redis is back; conversations are announced over it again.');
    }
    this.#sendSoon();
  }

  async #announceAgain(refs: ConversationRef[]): Promise<void> {
    if (this.#state !== 'here' || this.#queue === null) return;
    const priority = 1;
    const jobs = refs.map((ref) =>
      this.#jobOf(`now/${ref.tenantId}/${ref.conversationId}`, { ref, atMs: undefined, priority }),
    );
    // What cannot be handed back is found by the sweep of another process.
    await this.#queue.addBulk(jobs).catch(() => {});
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { local } = this.#options;
    this.#cancelAsk();
    // Where Redis is away nothing can be handed back to it.
    if (this.#state !== 'away') await this.#handBack();
    this.#taker?.abandon();
    await local.stop();
    for (const link of [this.#link, ...this.#others]) link.end();
  }

  async #handBack(): Promise<void> {
    const { world } = this.#options;
    const handedBack = Promise.resolve(this.#sending)
      .then(() => this.#taker?.stop())
      .catch((error) => world.log.debug({ err: outlineOf(error) }, 'A wake was not handed back to Redis.'));
    let cancel = () => {};
    const tooLong = new Promise<void>((resolve) => {
      this.#giveUp = resolve;
      cancel = world.timers.after(limits.wakeStopMsMax, resolve);
    });
    await Promise.race([handedBack, tooLong]);
    cancel();
  }
}

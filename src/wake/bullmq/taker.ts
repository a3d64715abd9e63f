/**
 * The side that takes: a BullMQ worker whose processor only puts the conversation into this process's ready line and
 * keeps the job open until it was looked at. So BullMQ knows what is under way: a wake that comes meanwhile becomes the
 * next job, and the jobs of a process that dies are found stalled and given to another. A job is held open for a bounded
 * time; after that the sweep over the store must do, as for every wake that gets lost.
 */
import type { Job, Worker } from 'bullmq';
import { limits } from '#core/limits.ts';
import { outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import type { RedisClient } from './redis.ts';

export const queueName = 'wakes';

/** A wake that was lost with its process this often is the sweep's. */
const stalledMax = 10;

export interface TakerDeps {
  world: Pick<World, 'timers' | 'log'>;
  /** The process's own ready line. */
  line: Wake;
  library: { Worker: typeof Worker };
  client: RedisClient;
  prefix: string;
  /** Announces again what was taken and not looked at. */
  announceAgain(refs: ConversationRef[]): Promise<void>;
}

interface Held {
  ref: ConversationRef;
  /** Ends the jobs of those who wait for the next look. */
  waiting: (() => void)[];
  /** For each look under way, in the order in which they began. */
  looks: (() => void)[][];
}

export class Taker {
  readonly #deps: TakerDeps;
  readonly #held = new Map<string, Held>();
  #worker: InstanceType<ReturnType<typeof abandonable>> | null = null;
  #stopped = false;

  constructor(deps: TakerDeps) {
    this.#deps = deps;
  }

  /** Takes nothing before: a process that does not look must hold up nobody. */
  start(): void {
    if (this.#worker !== null || this.#stopped) return;
    const { library, client, prefix, world } = this.#deps;
    this.#worker = new (abandonable(library))(queueName, (job: Job) => this.#process(job.data), {
      connection: client,
      prefix,
      concurrency: limits.wakesTakenMax,
      lockDuration: limits.wakeLockMs,
      stalledInterval: limits.wakeLockMs,
      maxStalledCount: stalledMax,
      runRetryDelay: limits.wakeRetryMs,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    // Most come from Redis being away, which is told elsewhere, or from a job that went with what Redis forgot.
    this.#worker.on('error', (error) =>
      world.log.debug({ err: outlineOf(error) }, 'A wake was not settled in Redis.'),
    );
  }

  #process(data: unknown): Promise<void> {
    const ref = refOf(data);
    if (ref === null) return Promise.resolve();
    if (this.#stopped) return this.#deps.announceAgain([ref]);
    return new Promise((resolve) => {
      const held = this.#heldOf(ref);
      const giveUp = this.#deps.world.timers.after(limits.wakeLookMsMax, () => this.#end(held, end));
      const end = () => {
        giveUp();
        resolve();
      };
      held.waiting.push(end);
      this.#deps.line.notify(ref);
    });
  }

  /** Whether it will be given to a look that has not begun: then announcing it again says nothing new. */
  isWaiting(ref: ConversationRef): boolean {
    return (this.#held.get(keyOf(ref))?.waiting.length ?? 0) > 0;
  }

  next(max: number): ConversationRef[] {
    const refs = this.#deps.line.next(max);
    for (const ref of refs) {
      const held = this.#heldOf(ref);
      held.looks.push(held.waiting);
      held.waiting = [];
    }
    return refs;
  }

  looked(ref: ConversationRef): void {
    const held = this.#held.get(keyOf(ref));
    for (const end of held?.looks.shift() ?? []) end();
    if (held !== undefined) this.#forgetIfIdle(held);
  }

  /** What was not looked at is announced again while its job is still under way, so that it becomes the next one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    if (worker === null) return;
    await worker.pause(true);
    const open = [...this.#held.values()];
    const unseen = open
      .filter(({ waiting, looks }) => waiting.length > 0 || looks.length > 0)
      .map(({ ref }) => ref);
    if (unseen.length > 0) await this.#deps.announceAgain(unseen);
    for (const { waiting, looks } of open) for (const end of [...waiting, ...looks.flat()]) end();
    this.#held.clear();
    await worker.close();
  }

  /** For when Redis does not answer: an orderly end would wait for it, and renew locks meanwhile. After a whole stop it does nothing. */
  abandon(): void {
    this.#stopped = true;
    this.#worker?.abandon();
  }

  #heldOf(ref: ConversationRef): Held {
    const key = keyOf(ref);
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { ref, waiting: [], looks: [] };
      this.#held.set(key, held);
    }
    return held;
  }

  #end(held: Held, end: () => void): void {
    held.waiting = held.waiting.filter((each) => each !== end);
    end();
    this.#forgetIfIdle(held);
  }

  #forgetIfIdle(held: Held): void {
    if (held.waiting.length === 0 && held.looks.length === 0) this.#held.delete(keyOf(held.ref));
  }
}

/** BullMQ's own close, forced or not, keeps renewing locks while one before it waits for Redis. */
const abandonable = ({ Worker: Base }: TakerDeps['library']) =>
  class extends Base {
    abandon(): void {
      void this.lockManager.close();
      this.close(true).catch(() => {});
    }
  };

const keyOf = ({ tenantId, conversationId }: ConversationRef): string => `${tenantId}\n${conversationId}`;

/** Null for what is no wake of ours. */
function refOf(data: unknown): ConversationRef | null {
  if (typeof data !== 'object' || data === null) return null;
  const { tenantId, conversationId } = data as Record<string, unknown>;
  return typeof tenantId === 'string' && typeof conversationId === 'string'
    ? { tenantId, conversationId }
    : null;
}

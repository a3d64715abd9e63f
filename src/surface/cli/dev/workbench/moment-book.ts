/**
 * What the server has told, and what its supervisor did to it, in one order. It lives with the supervisor, so what a server
 * said before a `kill -9` stays. Beside the newest moments it keeps a longer record, together with what the simulator
 * tells, from which the life of one message is put together.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ToldMoment } from '#core/ports/observer.ts';
import type { SimulatorEvent } from '#simulator/index.ts';
import { LifeShelf } from './life-shelf.ts';

export interface SupervisorDetails {
  serverStarting: { pid: number };
  serverReady: { pid: number };
  serverEnded: { pid: number; code: number | null; signal: string | null };
  serverKilled: { pid: number };
  clockMoved: { byMs: number; aheadMs: number };
}

export type SupervisorKind = keyof SupervisorDetails;
export type SupervisorMoment = { [K in SupervisorKind]: { kind: K } & SupervisorDetails[K] }[SupervisorKind];

/** When each is told; `docs/reference/moments.md` lists them. */
export const supervisorMoments: {
  readonly [K in SupervisorKind]: { when: string; fields: { [F in keyof SupervisorDetails[K]]: string } };
} = {
  serverStarting: { when: 'A server process was started.', fields: { pid: 'its process' } },
  serverReady: { when: 'It takes messages.', fields: { pid: 'its process' } },
  serverEnded: {
    when: 'It is gone; what it had acknowledged is in the store.',
    fields: { pid: 'its process', code: 'exit code, or null', signal: 'what ended it, or null' },
  },
  serverKilled: { when: 'Somebody had it killed by `kill -9`.', fields: { pid: 'its process' } },
  clockMoved: {
    when: 'The clocks of the simulator and the server were moved forward.',
    fields: { byMs: 'by how much', aheadMs: 'how far they are ahead now' },
  },
};

export type BookedMoment = { seq: number } & (ToldMoment | (SupervisorMoment & { atMs: number }));

/** One thing that happened, whoever told of it. */
export type LifeRecord = { moment: BookedMoment } | { event: SimulatorEvent };

const momentsMax = 5_000;
const lineBytesMax = 1024 * 1024;

export interface MomentBookOptions {
  nowMs: () => number;
  momentsMax?: number;
}

export class MomentBook {
  readonly #nowMs: () => number;
  readonly #momentsMax: number;
  #moments: BookedMoment[] = [];
  readonly #shelf = new LifeShelf();
  #lastSeq = 0;
  readonly #listeners = new Set<(moment: BookedMoment) => void>();

  constructor(options: MomentBookOptions) {
    this.#nowMs = options.nowMs;
    this.#momentsMax = options.momentsMax ?? momentsMax;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** All that may belong to the life of a message. */
  recordsAbout(wamid: string): readonly LifeRecord[] {
    return this.#shelf.about(wamid);
  }

  note(moment: SupervisorMoment): void {
    this.#add({ ...moment, atMs: this.#nowMs(), seq: this.#lastSeq + 1 });
  }

  told(moment: ToldMoment): void {
    this.#add({ ...moment, seq: this.#lastSeq + 1 });
  }

  simulated(event: SimulatorEvent): void {
    this.#shelf.add({ event });
  }

  /** Moments after `afterSeq`, oldest first. */
  read({ afterSeq, limit }: { afterSeq: number; limit: number }): BookedMoment[] {
    const kept = this.#moments.slice(-this.#momentsMax);
    const firstSeq = kept[0]?.seq ?? 0;
    const from = Math.max(0, afterSeq + 1 - firstSeq);
    return kept.slice(from, from + limit);
  }

  listen(listener: (moment: BookedMoment) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(moment: BookedMoment): void {
    this.#lastSeq = moment.seq;
    this.#moments.push(moment);
    // Half of the list goes at once, so that a moment costs no move of all others.
    if (this.#moments.length > 2 * this.#momentsMax) this.#moments = this.#moments.slice(-this.#momentsMax);
    this.#shelf.add({ moment });
    for (const listener of this.#listeners) listener(moment);
  }
}

/** Reads moments from a server's pipe; resolves at its end. A line that is no moment is passed over. */
export function readMoments(pipe: Readable, tell: (moment: ToldMoment) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  pipe.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineBytesMax) rest = '';
    for (const line of lines) {
      const moment = momentOf(line);
      if (moment !== null) tell(moment);
    }
  });
  // It ends with the server, also in the middle of a line.
  pipe.on('error', () => {});
  return new Promise((resolve) => void pipe.once('close', resolve));
}

function momentOf(line: string): ToldMoment | null {
  try {
    const moment = JSON.parse(line) as ToldMoment;
    return typeof moment.kind === 'string' && typeof moment.atMs === 'number' ? moment : null;
  } catch {
    return null;
  }
}

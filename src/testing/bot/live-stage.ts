/**
 * A stage on the machine's own clock: a simulator in this process, or one that runs elsewhere (`nightdesk dev`, a
 * benchmark's), which is driven over HTTP and listened to by its stream of events.
 */
import http from 'node:http';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type RealWorld } from '#runtime/world/real-world.ts';
import {
  type ControlRequest,
  createSimulatorClient,
  type SimulatorClient,
  type SimulatorEvent,
} from '#simulator/index.ts';
import { type Stage, watchLive } from '../story/stage.ts';
import { createStory, type Story } from '../story/story.ts';

export interface LiveStageOptions {
  control: SimulatorClient;
  listen: Stage['listen'];
  world: Pick<RealWorld, 'clock' | 'timers'>;
  patienceMs: number;
  notes?: () => Promise<string[]>;
}

export const livePatienceMs = 10_000;
const reconnectMs = 200;

export function createLiveStage(options: LiveStageOptions): Stage {
  const { control, listen, world, patienceMs, notes } = options;
  const { timers } = world;
  return {
    control,
    patienceMs,
    listen,
    clock: {
      isVirtual: false,
      nowMs: () => world.clock.nowMs(),
      advance: () =>
        Promise.reject(
          new Error(
            'This story is played on the machine’s own clock, which cannot be moved. Start the bot by startBot() to play it on a virtual one.',
          ),
        ),
    },
    watch: (look, withinMs) => watchLive({ timers, listen }, look, withinMs),
    notes: notes ?? (async () => []),
  };
}

export const quietWorld = (): RealWorld => createRealWorld({ log: createLog({ level: 'silent' }) });

/** A story before a simulator that runs already, e.g. `connectStory('http://127.0.0.1:4000')`. To be closed. */
export async function connectStory(
  url: string,
  options: { patienceMs?: number } = {},
): Promise<Story & { close(): void }> {
  const world = quietWorld();
  const agent = new http.Agent({ keepAlive: true });
  const control = createSimulatorClient(url, { request: requestBy(agent) });
  const events = new EventStream(url, world);
  try {
    await events.open();
  } catch (error) {
    world.close();
    agent.destroy();
    throw new Error(
      `There is no simulator at ${url}: ${(error as Error).message}. Start it, e.g. by nightdesk dev.`,
    );
  }
  const patienceMs = options.patienceMs ?? livePatienceMs;
  const listen = (listener: (event: SimulatorEvent) => void) => events.listen(listener);
  return {
    ...createStory(createLiveStage({ control, listen, world, patienceMs })),
    close() {
      events.close();
      agent.destroy();
      world.close();
    },
  };
}

function requestBy(agent: http.Agent): ControlRequest {
  return (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      const outgoing = http.request(url, { method, headers, agent }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: async () => text }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
}

/** The simulator's server-sent events; after a break it goes on behind the last one. */
class EventStream {
  readonly #url: string;
  readonly #world: Pick<RealWorld, 'timers'>;
  readonly #listeners = new Set<(event: SimulatorEvent) => void>();
  #lastSeq: number | null = null;
  #request: http.ClientRequest | null = null;
  #isClosed = false;

  constructor(url: string, world: Pick<RealWorld, 'timers'>) {
    this.#url = `${url.replace(/\/$/, '')}/_sim/events`;
    this.#world = world;
  }

  listen(listener: (event: SimulatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): Promise<void> {
    const after = this.#lastSeq === null ? '' : `?after=${this.#lastSeq}`;
    return new Promise((resolve, reject) => {
      this.#request = http.get(`${this.#url}${after}`, { agent: false }, (incoming) => {
        if (incoming.statusCode !== 200) {
          incoming.resume();
          reject(new Error(`it answered ${incoming.statusCode} to GET /_sim/events`));
          return;
        }
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          const blocks = (text + chunk).split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) this.#tell(block);
        });
        incoming.on('error', () => {});
        incoming.on('close', () => this.#again());
        resolve();
      });
      this.#request.on('error', reject);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#request?.destroy();
    this.#listeners.clear();
  }

  #tell(block: string): void {
    const data = block.split('\n').find((line) => line.startsWith('data: '));
    if (data === undefined) return;
    const event = JSON.parse(data.slice('data: '.length)) as SimulatorEvent;
    this.#lastSeq = event.seq;
    for (const listener of this.#listeners) listener(event);
  }

  #again(): void {
    if (this.#isClosed) return;
    this.#world.timers.after(reconnectMs, () => {
      if (!this.#isClosed) this.open().catch(() => this.#again());
    });
  }
}

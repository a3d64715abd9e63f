/**
 * The conformance suite of wakes on Cloud Tasks: the look-alike brings each task to a door that hands it to the driver, and
 * keeps the request open while the conversation is looked at, as the real one does. A task that was made comes, in the order
 * of the queue, so the cases about taking back and about who comes first are not its.
 */
import { createServer, type Server } from 'node:http';
import { describe, test } from 'vitest';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type MovableWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { type OpenedWake, wakeConformance } from '#testing/wake-conformance.ts';
import { type CloudTasksWake, createCloudTasksWake } from '#wake/cloud-tasks/index.ts';
import { readBody } from '#wake/cloud-tasks/task-body.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { email, queue } from './stage.ts';

/** Opens the driver, its queue and its door. */
async function open(): Promise<OpenedWake> {
  const world = createRealWorld({ log: createLog({ level: 'silent' }), aheadMs: 0 });
  const { clock, timers, random } = world;
  const sim = await startSimulator({ world: { nowMs: clock.nowMs, setTimer: timers.after, random } });
  const door = new Door();
  const url = await door.listen();
  const openDriver = () => {
    const wake = driverOf(world, sim, url);
    door.serve(wake);
    return wake;
  };
  return {
    wake: openDriver(),
    nowMs: clock.nowMs,
    async until(holds, withinMs) {
      const untilMs = performance.now() + withinMs;
      while (!holds()) {
        if (performance.now() > untilMs) throw new Error(`It did not come true in ${withinMs} ms.`);
        await new Promise<void>((resolve) => timers.after(1, resolve));
      }
    },
    reopen: async () => {
      door.giveUp();
      return openDriver();
    },
    async close() {
      door.close();
      await sim.close();
      world.close();
    },
  };
}

/** Answers when its conversation is looked at; what is open when its driver goes is answered 503. */
class Door {
  readonly #server: Server;
  #wake: CloudTasksWake | null = null;
  #open = new Set<(status: number) => void>();
  #listeners = new Set<() => void>();

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () =>
        this.#work(Buffer.concat(chunks), (status) => response.writeHead(status).end()),
      );
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  serve(wake: CloudTasksWake): void {
    this.#wake = wake;
    wake.onChange(() => {
      for (const listener of [...this.#listeners]) listener();
    });
  }

  giveUp(): void {
    for (const end of [...this.#open]) end(503);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #work(body: Buffer, answer: (status: number) => void): void {
    const [wake, task] = [this.#wake, readBody(body)];
    if (wake === null || task?.kind !== 'conversation') {
      answer(503);
      return;
    }
    const { ref } = task;
    const look = (): void => {
      const { isBusy, untilMs } = wake.stateOf(ref);
      if (!isBusy && untilMs === null) end(200);
    };
    const end = (status: number): void => {
      this.#listeners.delete(look);
      this.#open.delete(end);
      wake.close(ref, true);
      answer(status);
    };
    wake.open(ref, true);
    this.#open.add(end);
    wake.notify(ref);
    this.#listeners.add(look);
  }
}

function driverOf(world: MovableWorld, sim: Simulator, url: string): CloudTasksWake {
  return createCloudTasksWake(
    {
      ...{ apiUrl: sim.tasksUrl, queue, email, targetUrl: url, audience: url },
      ...{ issuers: [sim.tasks.settings.issuer], keysUrl: `${sim.tasksUrl}/oauth2/v3/certs` },
      credentials: { from: 'metadata', host: new URL(sim.url).host },
    },
    { world, here: createLocalWake(world), telemetry: { count: () => {}, observe: () => {} } },
  );
}

describe('the wake over Cloud Tasks', () => {
  for (const { name, run } of wakeConformance(open, { keeps: true, says: false })) test(name, run);
});

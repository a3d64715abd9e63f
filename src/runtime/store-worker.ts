/**
 * The worker thread in which a server's store lives, so that the event loop that answers webhooks never waits for the
 * disk. It is begun before the configuration is read, since loading itself takes it as long as the server takes for that.
 * A server without its store must not look alive: where the thread ends unasked, the process ends.
 */
import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { limits } from '#core/limits.ts';
import { KnownError } from '#core/model/faults.ts';
import { noCrashPoints } from '#core/ports/crash-points.ts';
import type { Store } from '#core/ports/store.ts';
import type { World } from '#core/ports/world.ts';
import { type RemoteStore, remoteStore } from '#store/sqlite/worker/client.ts';

/** Thrown where nobody catches it: it ends the process. */
export class StoreLost extends KnownError {
  override readonly name = 'StoreLost';
}

export interface StoreWorker {
  /** At most once, with the limits that are in force now. @throws StoreRefused where the store cannot be had */
  open(path: string, world: World, given?: { afterRestore: boolean }): Promise<Store>;
  /** Ends a thread that no store was opened in, or whose store was closed. */
  end(): Promise<void>;
}

const source = './world/store-worker.ts';

export function startStoreWorker(): StoreWorker {
  const { port1: port, port2 } = new MessageChannel();
  // In the package it is compiled, as this file is.
  const entry = new URL(source.replace(/\.ts$/, extname(import.meta.url)), import.meta.url);
  const worker = new Worker(entry, { name: 'store', workerData: { port: port2 }, transferList: [port2] });
  // Calls under way keep the process alive, the thread does not.
  worker.unref();
  let mayEnd = false;
  let opened: { remote: RemoteStore; world: World } | null = null;
  let failure: Error | null = null;

  const end = async (): Promise<void> => {
    mayEnd = true;
    await worker.terminate();
    port.close();
  };

  worker.on('error', (error: Error) => {
    failure = error;
  });
  worker.once('exit', () => {
    const lost = new StoreLost(
      'The worker thread of the store ended by itself. A server without its store can do nothing, so it ends; nothing that was acknowledged is lost. Start it again.',
      failure === null ? undefined : { cause: failure },
    );
    opened?.remote.lost(lost);
    if (mayEnd) return;
    opened?.world.log.error({ err: lost }, 'The store is gone, so the server ends.');
    throw lost;
  });

  return {
    async open(path, world, { afterRestore } = { afterRestore: false }) {
      const { crashPoints = noCrashPoints } = world;
      const remote = remoteStore({
        ...{ port, path, limits, afterRestore },
        soon: world.timers.soon,
        ...(crashPoints === noCrashPoints ? {} : { crashPoints }),
      });
      opened = { remote, world };
      const opening = remote.open();
      opening.catch(() => {
        mayEnd = true;
      });
      const store = await opening;
      return {
        ...store,
        async close() {
          mayEnd = true;
          await store.close();
          await end();
        },
      };
    },
    end,
  };
}

/**
 * What runs in the worker thread of a server's store: the machine's clock and chance, and the driver that waits for calls.
 */
import { type MessagePort, workerData } from 'node:worker_threads';
import { serveStore } from '#store/sqlite/worker/serve.ts';
import { createRandom } from './random.ts';

serveStore((workerData as { port: MessagePort }).port, {
  soon: (fn) => void setImmediate(fn),
  monotonicMs: () => performance.now(),
  random: createRandom(),
});

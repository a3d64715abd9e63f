/**
 * A worker thread in which many stores live, one for each port that it is sent; with ids from a seed.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { serveStore } from '#store/sqlite/worker/serve.ts';
import { seededRandom } from '#testing/fake-world.ts';

parentPort?.on('message', (port: MessagePort) =>
  serveStore(port, {
    soon: (fn) => void setImmediate(fn),
    monotonicMs: () => performance.now(),
    random: seededRandom(7),
  }),
);

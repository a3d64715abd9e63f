/** Several workers side by side; one that does not end its seed in time is killed, and its seed has failed. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Done, Order } from './worker.ts';

const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A seed takes well under a second; one that takes this long spins. */
const seedMaxMs = 120_000;

export interface PoolOptions {
  workers: number;
  /** The next order, or undefined when there is none. */
  next(): Order | undefined;
  /** Returns false to end the run. */
  done(done: Done): boolean;
}

export async function runPool(options: PoolOptions): Promise<void> {
  const state = { goesOn: true };
  await Promise.all(Array.from({ length: options.workers }, () => runOne(options, state)));
}

async function runOne({ next, done }: PoolOptions, state: { goesOn: boolean }): Promise<void> {
  let worker = startWorker();
  for (let order = next(); order !== undefined && state.goesOn; order = next()) {
    const result = await ask(worker, order);
    if (result.wallMs >= seedMaxMs || !worker.connected) {
      worker.kill('SIGKILL');
      worker = startWorker();
    }
    if (!done(result)) state.goesOn = false;
  }
  worker.disconnect();
}

function startWorker(): ChildProcess {
  return fork(workerFile, {
    execArgv: ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function ask(worker: ChildProcess, order: Order): Promise<Done> {
  return new Promise((resolve) => {
    const failed = (what: string, wallMs: number): Done => ({
      ...{ seed: order.seed, wallMs, story: [], hash: '', events: 0, virtualMs: 0, counts: {} },
      violation: { invariant: 'liveness', what, subjects: [] },
    });
    const end = (result: Done) => {
      clearTimeout(timeout);
      worker.off('message', end);
      worker.off('exit', onExit);
      resolve(result);
    };
    const onExit = (code: number | null) =>
      end(failed(`The process that ran this seed ended by itself (${code}).`, 0));
    const timeout = setTimeout(
      () =>
        end(
          failed(
            `The seed did not end within ${seedMaxMs / 1_000} s of the wall clock: it spins.`,
            seedMaxMs,
          ),
        ),
      seedMaxMs,
    );
    worker.on('message', end);
    worker.on('exit', onExit);
    worker.send(order);
  });
}

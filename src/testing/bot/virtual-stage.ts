/** A stage on a virtual clock: the control API is called in this process, and waiting moves the clock. */
import {
  type Anthropic,
  type CheckoutDesk,
  createControl,
  createSimulatorClient,
  type Images,
  type Meta,
} from '#simulator/index.ts';
import type { Stage } from '../story/stage.ts';
import type { VirtualWorld } from '../virtual-world.ts';

export interface VirtualStageOptions {
  world: VirtualWorld;
  meta: Meta;
  anthropic: Anthropic;
  images: Images;
  checkout: CheckoutDesk;
  patienceMs: number;
  /** Called after everything that makes Meta do something. */
  pump(): void;
  notes(): Promise<string[]>;
}

const url = 'http://simulator.test';

export function createVirtualStage(options: VirtualStageOptions): Stage {
  const { world, meta, patienceMs, pump, notes } = options;
  const control = createControl(options);
  const client = createSimulatorClient(url, {
    async request(target, { method, headers, body = '' }) {
      const { pathname, searchParams } = new URL(target);
      const query = Object.fromEntries(searchParams);
      const answering = control.handle({ method, path: pathname, query, headers, body }, world.nowMs());
      pump();
      const answer = answering instanceof Promise ? await passing(world, answering) : answering;
      return { status: answer.status, text: async () => answer.body };
    },
  });
  return {
    control: client,
    clock: { isVirtual: true, nowMs: () => world.nowMs(), advance: (ms) => world.advance(ms) },
    patienceMs,
    listen: (listener) => meta.log.listen(listener),
    notes,
    async watch(look, withinMs) {
      const untilMs = world.nowMs() + withinMs;
      for (;;) {
        const seq = meta.log.lastSeq();
        const found = await look();
        if (found !== null) return found;
        const isNew = await world.reach(() => meta.log.lastSeq() > seq, untilMs - world.nowMs());
        if (!isNew) return null;
      }
    },
  };
}

const promiseMsMax = 600_000;

/** Lets time pass until a promise is settled; most need none. */
export async function passing<T>(world: VirtualWorld, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const note = (): void => {
    isSettled = true;
  };
  promise.then(note, note);
  if (!(await world.reach(() => isSettled, promiseMsMax)))
    throw new Error(
      `Something was not done after ${promiseMsMax} ms of virtual time. It waits for what never comes.`,
    );
  return promise;
}

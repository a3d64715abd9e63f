/**
 * Bull Board, the page on which an operator sees what waits in the queue: loaded only where somebody may open it. It shows
 * ids of tenants and conversations and no customer's words, since a wake holds none.
 */
import type { Queue } from 'bullmq';
import { outlineOf } from '#core/model/faults.ts';
import { BadConfig } from './config-file.ts';
import type { QueueBoard } from './queue-board.ts';

/** @throws BadConfig where the packages are not installed. */
export async function loadBullBoard(): Promise<(queue: Queue) => QueueBoard> {
  const { createBullBoard, BullMQAdapter, FastifyAdapter } = await loadLibraries();
  return (queue) => ({
    pluginAt(path) {
      const serverAdapter = new FastifyAdapter();
      serverAdapter.setBasePath(path);
      createBullBoard({
        // To look at: a wake that is removed or repeated by hand changes nothing that the sweep would not mend.
        queues: [new BullMQAdapter(queue, { readOnlyMode: true })],
        serverAdapter,
        options: { uiConfig: { boardTitle: 'Nightdesk: wakes' } },
      });
      return serverAdapter.registerPlugin();
    },
  });
}

async function loadLibraries() {
  try {
    const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/fastify'),
    ]);
    return { createBullBoard, BullMQAdapter, FastifyAdapter };
  } catch (error) {
    throw new BadConfig(
      `ADMIN_TOKEN is set, and the packages of the queue's page cannot be loaded (${outlineOf(error)}). Run \`npm install @bull-board/api @bull-board/fastify\`, or unset ADMIN_TOKEN.`,
    );
  }
}

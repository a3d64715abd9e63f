/** An operator's page of the queue, whatever draws it: the types of the runtime name no library that is not installed everywhere. */
import type { FastifyPluginCallback } from 'fastify';

export interface QueueBoard {
  /** The page and what it asks, for a door at `path`. */
  pluginAt(path: string): FastifyPluginCallback;
}

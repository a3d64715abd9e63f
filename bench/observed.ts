/** Asks the observer that was loaded into a server. */
import { request } from 'node:http';
import { join } from 'node:path';

export interface Observed {
  /** Since the last time it was asked. */
  longestStallMs: number;
  /** CPU time of the main thread in one such stall. */
  longestWorkMs: number;
  heapUsedBytes: number;
  externalBytes: number;
  rssBytes: number;
}

export const observerSocketOf = (folder: string) => join(folder, 'observer.sock');

/** What a server in `folder` needs in its environment to be observed. */
export function observedEnvironment(folder: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--import ${new URL('./observer.ts', import.meta.url).href}`,
    OBSERVER_SOCKET: observerSocketOf(folder),
  };
}

/** With `collected`, after a full garbage collection, which is itself a stall. */
export function observe(folder: string, { collected = false } = {}): Promise<Observed> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: observerSocketOf(folder), path: collected ? '/collected' : '/', agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(JSON.parse(text) as Observed));
        response.on('error', reject);
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

/**
 * Loaded into a server under measurement before its own code (`--import`): tells over a socket of its own how long the
 * event loop stood still and how much is on the heap. It costs the server a timer each millisecond. The worker thread of the
 * store, which loads it as well, is not observed.
 */
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) observe();

function observe(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();

  // The main thread's own work in the longest stall: what of it is not waiting for the disk or for a core.
  let longestWorkMs = 0;
  // Node 22 has only that of the whole process.
  const cpuUsage = (process.threadCpuUsage as typeof process.cpuUsage | undefined) ?? process.cpuUsage;
  let before = cpuUsage();
  setInterval(() => {
    const now = cpuUsage();
    longestWorkMs = Math.max(longestWorkMs, (now.user - before.user + now.system - before.system) / 1e3);
    before = now;
  }, 1).unref();

  const socketPath = process.env.OBSERVER_SOCKET;
  if (socketPath === undefined) throw new Error('OBSERVER_SOCKET must say where the observer listens.');

  const server = createServer((request, response) => {
    // Twice: what the first collection finalizes, the second one frees.
    if (request.url === '/collected') for (let times = 0; times < 2; times++) collect();
    const { heapUsed, rss, external } = process.memoryUsage();
    const seen = {
      longestStallMs: delay.max / 1e6,
      longestWorkMs,
      heapUsedBytes: heapUsed,
      externalBytes: external,
      rssBytes: rss,
    };
    response
      .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
      .end(JSON.stringify(seen));
    delay.reset();
    longestWorkMs = 0;
  });
  server.listen(socketPath);
  // The observer keeps no server alive that wants to end.
  server.unref();
}

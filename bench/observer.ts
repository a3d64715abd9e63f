/**
 * Loaded into a server under measurement before its own code (`--import`): tells over a socket of its own how long the
 * event loop stood still and how much is on the heap. It costs the server a timer each millisecond.
 */
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

const socketPath = process.env.OBSERVER_SOCKET;
if (socketPath === undefined) throw new Error('OBSERVER_SOCKET must say where the observer listens.');

const server = createServer((request, response) => {
  // Twice: what the first collection finalizes, the second one frees.
  if (request.url === '/collected') for (let times = 0; times < 2; times++) collect();
  const { heapUsed, rss, external } = process.memoryUsage();
  const seen = {
    longestStallMs: delay.max / 1e6,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
  };
  response
    .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
    .end(JSON.stringify(seen));
  delay.reset();
});
server.listen(socketPath);
// The observer keeps no server alive that wants to end.
server.unref();

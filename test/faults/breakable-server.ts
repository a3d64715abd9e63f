/**
 * The product composed as `nightdesk start` does it, on ports that a test can break while it runs: a clock that is set, a
 * process that stops itself at an exact place, a host whose name does not resolve. The parent says what by a message of
 * the kind `Break`. What is broken stays outside the product, which has no switch for it.
 */
import dns from 'node:dns';
import type { Store } from '#core/ports/store.ts';
import type { Http, World } from '#core/ports/world.ts';
import { readConfig } from '#runtime/config.ts';
import { createNightdesk } from '#runtime/nightdesk.ts';
import { openModel } from '#runtime/open.ts';
import { startStoreWorker } from '#runtime/store-worker.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { openSecrets } from '#runtime/world/secrets.ts';
import { startCommandSocket } from '#surface/cli/command-socket.ts';
import { startHttpSurface } from '#surface/http/server.ts';

/** What a parent may say; what is absent stays as it is. */
export interface Break {
  /** The clock of the day goes this far ahead of the machine's, or behind it where under 0. */
  clockAheadMs?: number;
  /** SIGSTOP to itself once: after the commit that marks sends as `sending`, or just before a send's request is written. */
  stopAt?: 'granted' | 'beforeWrite';
  /** Whether `graph.test` is an address. */
  resolves?: boolean;
}

const broken: Required<Omit<Break, 'stopAt'>> & Pick<Break, 'stopAt'> = { clockAheadMs: 0, resolves: false };

function stopHere(place: Break['stopAt']): void {
  if (broken.stopAt !== place) return;
  delete broken.stopAt;
  process.kill(process.pid, 'SIGSTOP');
}

function stoppingStore(store: Store): Store {
  return {
    ...store,
    async grantSends(request) {
      const granted = await store.grantSends(request);
      if (granted.some(({ outcome }) => outcome === 'granted')) stopHere('granted');
      return granted;
    },
  };
}

function stoppingHttp(http: Http): Http {
  return {
    request(request) {
      const isSend = request.method === 'POST' && request.url.endsWith('/messages');
      const isReceipt = typeof request.body === 'string' && request.body.includes('"status":"read"');
      if (isSend && !isReceipt && request.url.includes('/v2')) stopHere('beforeWrite');
      return http.request(request);
    },
  };
}

/** Names end in `dns.lookup`, whatever asks for them. */
function breakNames(): void {
  const known = dns.lookup;
  const lookup = (name: string, options: dns.LookupOptions, done: (...answer: unknown[]) => void) => {
    if (name !== 'graph.test') return known(name, options, done);
    const unknown = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    if (!broken.resolves) process.nextTick(done, unknown);
    else if (options.all === true) process.nextTick(done, null, [{ address: '127.0.0.1', family: 4 }]);
    else process.nextTick(done, null, '127.0.0.1', 4);
  };
  Object.assign(dns, { lookup });
}

process.on('message', (message: Break) => void Object.assign(broken, message));
breakNames();
const config = await readConfig({ env: process.env, folder: process.cwd() });
const log = createLog({ level: config.logLevel });
const real = createRealWorld({ log });
const world: World = {
  ...real,
  clock: { ...real.clock, nowMs: () => real.clock.nowMs() + broken.clockAheadMs },
  http: stoppingHttp(real.http),
};
if (config.database.driver !== 'sqlite') throw new TypeError('This server stores in a file.');
const databasePath = config.database.path;
const nightdesk = createNightdesk({
  config,
  world,
  store: stoppingStore(await startStoreWorker().open(databasePath, world)),
  secrets: openSecrets(config),
  model: await openModel(config, world),
  singleOwner: true,
});
await nightdesk.start();
const commands = await startCommandSocket(nightdesk);
const http = await startHttpSurface({ nightdesk, host: config.host, port: config.port });
process.once('SIGTERM', async () => {
  http.drain();
  await commands.close();
  await nightdesk.stop({ deadlineMs: config.stopDeadlineMs });
  await http.close();
  await nightdesk.store.close();
  log.close();
  process.exit(0);
});

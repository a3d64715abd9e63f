/** SIGTERM: first nothing new is sent to the server, then nothing is taken, then it ends. What still comes in between is taken. */
import { expect, test } from 'vitest';
import { ServerProcess, until } from '../proof/server-process.ts';

test('/readyz fails at once, webhooks are taken until DRAIN_DELAY_MS has passed', async () => {
  const drainDelayMs = 3_000;
  // Nobody is asked for anything, so nobody has to be there.
  const server = new ServerProcess({
    simulatorUrl: 'http://127.0.0.1:9',
    env: { DRAIN_DELAY_MS: String(drainDelayMs) },
  });
  const statusOf = (path: string, method = 'GET') =>
    fetch(`${server.url}${path}`, { method }).then(({ status }) => status);
  try {
    await server.start();
    server.signal('SIGTERM');
    expect(await until(async () => (await statusOf('/readyz')) === 503, drainDelayMs)).toBe(true);
    // Without a signature it is refused as ever, which it would not be by a server that takes nothing.
    expect(await statusOf('/webhooks/whatsapp', 'POST')).toBe(401);
    expect(await statusOf('/healthz')).toBe(200);
    expect(await until(() => !server.isRunning, 30_000)).toBe(true);
  } finally {
    await server.kill();
    server.remove();
  }
});

/** A port of the metrics that is taken ends the start, names itself and leaves no server behind. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ServerProcess } from '../../proof/server-process.ts';

test('METRICS_PORT that is taken', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const server = new ServerProcess({
    simulatorUrl: 'http://127.0.0.1:9',
    env: { METRICS_PORT: String(port) },
  });
  try {
    const { code, said } = await server.startRefused();
    expect(code).toBe(2);
    expect(said).toContain(
      `port ${port} on 127.0.0.1 is taken by another program. Stop it, or set METRICS_PORT`,
    );
  } finally {
    server.remove();
    await new Promise((done) => other.close(done));
  }
});

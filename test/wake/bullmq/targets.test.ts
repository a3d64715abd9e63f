/** The ways in which Redis can be run: a cluster, and a server that speaks TLS alone to a user with few rights. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { openBullmqWake, type RedisTarget } from '#wake/bullmq/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { cert, key } from '../../world/certificate.ts';
import { freePort, openTestWorld, startRedis, whyNoServer } from './redis-server.ts';

const why = whyNoServer();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** One process announces, another looks. */
async function passesOver(redis: RedisTarget): Promise<void> {
  const world = openTestWorld();
  closers.push(world.close);
  const open = async (takes: boolean) => {
    const wake = await openBullmqWake({ redis, world, local: createLocalWake(world), takes });
    closers.push(() => wake.stop());
    return wake;
  };
  const [adder, taker] = [await open(false), await open(true)];
  taker.onReady(() => {});
  for (const atMs of [undefined, world.clock.nowMs() + 50]) {
    adder.notify({ tenantId: 'acme', conversationId: '1' }, atMs);
    await world.until(() => {
      const taken = taker.next(1);
      for (const each of taken) taker.looked(each);
      return taken.length > 0;
    });
  }
  expect(world.warnings).toEqual([]);
}

test.skipIf(why !== null)('a cluster, named by one of its nodes', async () => {
  const busPort = await freePort();
  const redis = await startRedis({
    args: () => [
      ...['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
      ...['--cluster-port', String(busPort)],
    ],
    url: (port) => `redis://127.0.0.1:${port}?cluster=true`,
  });
  closers.push(() => redis.close());
  await redis.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const world = openTestWorld();
  closers.push(world.close);
  await world.until(async () => String(await redis.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  await passesOver(redis.target);
});

test.skipIf(why !== null)(
  'TLS, and a user who may do what is needed on the keys of the queue alone',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightdesk-tls-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, text] of Object.entries({ cert, key })) writeFileSync(join(folder, name), text);
    const trusted = getCACertificates('default');
    setDefaultCACertificates([...trusted, cert]);
    closers.push(() => setDefaultCACertificates(trusted));
    const tlsPort = await freePort();
    const redis = await startRedis({
      args: () => [
        ...[
          '--tls-port',
          String(tlsPort),
          '--tls-auth-clients',
          'no',
          '--tls-ca-cert-file',
          join(folder, 'cert'),
        ],
        ...['--tls-cert-file', join(folder, 'cert'), '--tls-key-file', join(folder, 'key')],
        ...[
          '--user',
          'nightdesk',
          'on',
          '>p%40ss,word',
          '~{nightdesk}:*',
          '&*',
          '+@all',
          '-@admin',
          '-@dangerous',
          '+info',
        ],
      ],
      url: () => `rediss://nightdesk:p%2540ss%2Cword@127.0.0.1:${tlsPort}`,
    });
    closers.push(() => redis.close());
    await passesOver(redis.target);
  },
);

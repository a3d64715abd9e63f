/**
 * Where things are: hosts, ports and the database of `nightdesk dev`. A port that a person named is taken as it is and
 * may be refused by the server; a default one gives way to the next that is free.
 */
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { BadConfig } from '#runtime/config.ts';

export interface Addresses {
  folder: string;
  /** Where the server and the phone page listen. */
  host: string;
  /** The same as a name that can be called; `0.0.0.0` cannot. In brackets if it is an IPv6 address. */
  reachableHost: string;
  port: number;
  isPortNamed: boolean;
  simulatorUrl: string;
  databaseUrl: string;
  /** Null for a database that is not a file; then no demo business can be applied. */
  databasePath: string | null;
}

export interface AddressesInput {
  env: Record<string, string | undefined>;
  folder: string;
}

const serverPort = 3_000;
const portsTriedMax = 100;

/** @throws BadConfig */
export async function readAddresses({ env, folder }: AddressesInput): Promise<Addresses> {
  const host = env.HOST || '127.0.0.1';
  const isPortNamed = env.PORT !== undefined && env.PORT !== '';
  const named = isPortNamed ? Number(env.PORT) : serverPort;
  const databaseUrl = env.DATABASE_URL || 'sqlite:./data/dev.db';
  if (databaseUrl === 'sqlite::memory:') {
    throw new BadConfig(
      'DATABASE_URL is sqlite::memory:, which a restart of the server would empty. nightdesk dev restarts it often: unset DATABASE_URL, or name a file, e.g. sqlite:./data/dev.db.',
    );
  }
  return {
    folder,
    host,
    reachableHost: reachable(host),
    port: named === 0 ? await findFreePort(host, 0) : named,
    isPortNamed,
    simulatorUrl: '',
    databaseUrl,
    databasePath: databaseUrl.startsWith('sqlite:')
      ? resolve(folder, databaseUrl.slice('sqlite:'.length))
      : null,
  };
}

export const serverUrlOf = ({ reachableHost, port }: Addresses): string => `http://${reachableHost}:${port}`;

export const webhookUrlOf = (addresses: Addresses): string => `${serverUrlOf(addresses)}/webhooks/whatsapp`;

/** Where the look-alike of the checkout tells of payments. */
export const paymentUrlOf = (addresses: Addresses, tenantId: string): string =>
  `${serverUrlOf(addresses)}/events/stripe/${tenantId}`;

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** The first free port from `from` on. @throws BadConfig where there is none near. */
export async function findFreePort(host: string, from: number): Promise<number> {
  for (let port = from; port < from + portsTriedMax; port += 1) {
    const found = await tryPort(host, port);
    if (found !== null) return found;
  }
  throw new BadConfig(
    `The ports from ${from} to ${from + portsTriedMax - 1} on ${host} are all taken. Set PORT to a free one, or HOST to an address of this machine.`,
  );
}

export async function isPortFree(host: string, port: number): Promise<boolean> {
  return (await tryPort(host, port)) !== null;
}

function tryPort(host: string, port: number): Promise<number | null> {
  return new Promise((resolvePort) => {
    const probe = createServer();
    probe.once('error', () => resolvePort(null));
    probe.listen(port, host, () => {
      const address = probe.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      probe.close(() => resolvePort(taken));
    });
  });
}

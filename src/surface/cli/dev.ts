/**
 * `nightdesk dev`: everything that is needed to write to a bot, without a Meta account. It starts the simulator with its
 * phone page, starts `nightdesk start` as a child process that knows nothing of all this (only the environment that any
 * operator would set), fills it with two businesses, and keeps it running until a signal.
 *
 * The simulator lives here, not in the child: while the server is down, what a person types waits in the simulator as it
 * would wait at Meta, and is answered after the restart. The child lives only as long as this process holds its standard
 * input open, so even `kill -9` of the supervisor leaves nothing behind.
 *
 * To print or set up more, see `dev/announcement.ts` and `dev/businesses.ts`; the child's life is `dev/server-process.ts`.
 */
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type RealWorld } from '#runtime/world/real-world.ts';
import type { Simulator } from '#simulator/index.ts';
import { type Addresses, findFreePort, readAddresses, webhookUrlOf } from './dev/addresses.ts';
import { announcementOf } from './dev/announcement.ts';
import { applyDemoTenant, demoSetup, inviteCustomers, showTenants } from './dev/businesses.ts';
import { watchConfig } from './dev/config-watch.ts';
import { type ServerSettings, serverSettingsOf } from './dev/server-environment.ts';
import { ServerProcess } from './dev/server-process.ts';
import { startPhone } from './dev/start-phone.ts';

export interface DevOptions {
  /** Where the phone page listens; the first free port from 4000 on if absent. */
  phonePort?: number;
}

/** A terminal and npm both hand on one Ctrl-C; only a later signal is a second one. */
const secondSignalMs = 1_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs until a signal; returns the exit code. @throws BadConfig where the configuration cannot work. */
export async function dev(options: DevOptions): Promise<number> {
  const { env } = process;
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  try {
    const addresses = await readAddresses({ env, folder: process.cwd() });
    const simulator = await startPhone({ world, addresses, say, ...options });
    try {
      const settings = serverSettingsOf({ env, simulatorUrl: addresses.simulatorUrl, random: world.random });
      return await supervise({ world, addresses, simulator, settings });
    } finally {
      await simulator.close();
    }
  } finally {
    world.close();
  }
}

interface Parts {
  world: RealWorld;
  addresses: Addresses;
  simulator: Simulator;
  settings: ServerSettings;
}

async function supervise(parts: Parts): Promise<number> {
  const { world, addresses, simulator, settings } = parts;
  const { control } = simulator;
  await control.setup({ ...demoSetup, appSecret: settings.appSecret, verifyToken: settings.verifyToken });
  await inviteCustomers(control);

  let isAnnounced = false;
  const server = new ServerProcess({
    world,
    say,
    stopDeadlineMs: settings.stopDeadlineMs,
    prepare: async () => {
      if (!isAnnounced && !addresses.isPortNamed) await takeFreePort(addresses);
      await control.setup({ webhookUrl: webhookUrlOf(addresses) });
      return { env: settings.envFor(addresses), host: addresses.reachableHost, port: addresses.port };
    },
    onReady: async () => {
      const problems = isAnnounced ? await resume(parts) : await introduce(parts);
      say(isAnnounced ? 'The server is back.' : announcementOf({ addresses, env: process.env }));
      isAnnounced = true;
      for (const problem of problems) say(`! ${problem}`);
    },
  });
  const watch = watchConfig({
    folder: addresses.folder,
    timers: world.timers,
    onChange: (name) => server.restart(`${name} changed`),
  });
  const stopListening = onSignals(server, world);
  try {
    return await server.run();
  } finally {
    stopListening();
    watch.close();
  }
}

async function takeFreePort(addresses: Addresses): Promise<void> {
  const wanted = addresses.port;
  addresses.port = await findFreePort(addresses.host, wanted);
  if (addresses.port !== wanted) say(`Port ${wanted} is taken, so the server takes ${addresses.port}.`);
}

/** The first time the server is ready: the businesses are set up, and Meta's handshake is done. */
async function introduce({ world, addresses, simulator }: Parts): Promise<string[]> {
  const problems = await applyDemoTenant(addresses.databasePath, world.timers);
  problems.push(...(await showTenants(addresses.databasePath, simulator.control)));
  const handshake = await simulator.control.handshake();
  if (!handshake.ok) {
    problems.push(`The handshake with the server failed: ${handshake.reason}. No message will reach it.`);
  }
  return problems;
}

/** After a restart: what waited is delivered now and not when its retry would be due. */
async function resume({ addresses, simulator }: Parts): Promise<string[]> {
  const problems = await showTenants(addresses.databasePath, simulator.control);
  await simulator.control.retryWebhooks();
  return problems;
}

function onSignals(server: ServerProcess, { clock }: RealWorld): () => void {
  let firstAtMs: number | null = null;
  const listener = (signal: NodeJS.Signals): void => {
    const nowMs = clock.monotonicMs();
    if (firstAtMs === null) {
      firstAtMs = nowMs;
      say(`${signal}: stopping the server.`);
      server.stop();
    } else if (nowMs - firstAtMs > secondSignalMs) {
      server.kill();
    }
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, listener);
  return () => {
    for (const name of names) process.off(name, listener);
  };
}

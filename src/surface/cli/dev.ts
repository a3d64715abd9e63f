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
import { relative, resolve } from 'node:path';
import { configFileNames } from '#runtime/config-file.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type RealWorld } from '#runtime/world/real-world.ts';
import type { Simulator } from '#simulator/index.ts';
import { type Addresses, findFreePort, paymentUrlOf, readAddresses, webhookUrlOf } from './dev/addresses.ts';
import { announcementOf } from './dev/announcement.ts';
import { DemoBusinesses, demoPaymentSecret, demoTenantId, inviteCustomers } from './dev/businesses.ts';
import { Problems } from './dev/problems.ts';
import { ProjectWatch } from './dev/project-watch.ts';
import { providerEnvironment } from './dev/provider-environment.ts';
import { type ServerSettings, serverSettingsOf } from './dev/server-environment.ts';
import { type Refusal, type Restarted, ServerProcess } from './dev/server-process.ts';
import { startPhone } from './dev/start-phone.ts';
import { TypeCheck, type TypeProblem } from './dev/type-check.ts';
import { createDoors } from './dev/workbench/doors.ts';
import { Workbench } from './dev/workbench/workbench.ts';
import { envFileName } from './env-file.ts';

export interface DevOptions {
  /** Where the phone page listens; the first free port from 4000 on if absent. */
  phonePort?: number;
  /** Settings that came from `.env`; each new server reads that file itself. */
  fromEnvFile?: ReadonlySet<string>;
}

/** A terminal and npm both hand on one Ctrl-C; only a later signal is a second one. */
const secondSignalMs = 1_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs until a signal; returns the exit code. @throws BadConfig where the configuration cannot work. */
export async function dev({ fromEnvFile = new Set(), ...options }: DevOptions): Promise<number> {
  const { env } = process;
  const log = createLog({ level: 'silent' });
  const world = createRealWorld({ log });
  // Only its time is moved: a server that is given ten seconds to stop has them by the machine's clock.
  const simulated = createRealWorld({ log, aheadMs: 0 });
  try {
    const addresses = await readAddresses({ env, folder: process.cwd() });
    const problems = new Problems();
    const isObserved = env.NODE_ENV !== 'production';
    const workbench = new Workbench({ world, simulated, addresses, problems, isObserved });
    const doors = createDoors(workbench);
    const simulator = await startPhone({ world: simulated, addresses, say, doors, ...options });
    try {
      workbench.watch(simulator);
      const settings = serverSettingsOf({
        env,
        fromEnvFile,
        simulatorUrl: addresses.simulatorUrl,
        random: world.random,
      });
      return await supervise({ world, addresses, simulator, settings, problems, workbench });
    } finally {
      workbench.close();
      await simulator.close();
    }
  } finally {
    simulated.close();
    world.close();
  }
}

interface Parts {
  world: RealWorld;
  addresses: Addresses;
  simulator: Simulator;
  settings: ServerSettings;
  /** What is wrong with the bot's files now; the phone page is shown them, too. */
  problems: Problems;
  workbench: Workbench;
}

async function supervise(parts: Parts): Promise<number> {
  const { world, addresses, simulator, settings, problems, workbench } = parts;
  const { folder } = addresses;
  const { control } = simulator;
  await control.setup({ appSecret: settings.appSecret, verifyToken: settings.verifyToken });
  await inviteCustomers(control);
  const businesses = new DemoBusinesses({
    databasePath: addresses.databasePath,
    control,
    timers: world.timers,
  });

  let isAnnounced = false;
  const types = new TypeCheck({ folder, onDone: (found) => tellTypes(problems, found) });
  const watch = new ProjectWatch({
    folder,
    timers: world.timers,
    onChange: (names) =>
      server.restart(`${names.join(', ')} changed`, { afresh: names.includes(envFileName) }),
  });
  const server = new ServerProcess({
    world,
    say,
    stopDeadlineMs: settings.stopDeadlineMs,
    prepare: async () => {
      if (!isAnnounced && !addresses.isPortNamed) await takeFreePort(addresses);
      await control.setup({ webhookUrl: webhookUrlOf(addresses) });
      await control.setCheckout({
        webhookUrl: paymentUrlOf(addresses, demoTenantId),
        webhookSecret: demoPaymentSecret,
      });
      const providers = providerEnvironment(process.env, addresses.simulatorUrl);
      const env = { ...settings.envFor(addresses), ...providers, ...workbench.environment() };
      return { env, host: addresses.reachableHost, port: addresses.port };
    },
    onLoaded: (files, refusal) => {
      watch.watch(files);
      noteRefusal(problems, refusal, folder);
      if (refusal === null) return;
      workbench.serverRefused();
      types.start();
      if (isAnnounced) return;
      say(`The phone page is at ${addresses.simulatorUrl}.`);
      void businesses.showShops();
    },
    onStarting: (child) => workbench.serverStarting(child),
    onReady: async (restarted) => {
      await workbench.serverReady();
      const troubles = await businesses.show();
      if (isAnnounced) await Promise.all([control.retryWebhooks(), control.retryPaymentEvents()]);
      else troubles.push(...(await shakeHands(simulator)));
      say(isAnnounced ? backAgain(restarted) : announcementOf({ addresses, env: process.env }));
      isAnnounced = true;
      for (const trouble of troubles) say(`! ${trouble}`);
      types.start();
    },
  });
  watch.watch([...configFileNames, envFileName].map((name) => resolve(folder, name)));
  workbench.onKill(() => server.kill());
  const stopListening = onSignals(server, world);
  try {
    return await server.run();
  } finally {
    stopListening();
    watch.close();
    types.stop();
  }
}

/** The server has said it itself in the terminal. */
function noteRefusal(problems: Problems, refusal: Refusal | null, folder: string): void {
  if (refusal === null) {
    problems.clear('config');
    return;
  }
  const { text, place } = refusal;
  problems.set('config', [
    { text, file: place === null ? null : relative(folder, place.file), line: place?.line ?? null },
  ]);
}

const typesShownMax = 10;

/** Said once; what is still wrong after the next change stands further up. */
function tellTypes(problems: Problems, found: readonly TypeProblem[]): void {
  const before = problems.of('types');
  problems.set('types', found);
  const known = new Set(before.map(({ file, text }) => `${file} ${text}`));
  const fresh = found.filter(({ file, text }) => !known.has(`${file} ${text}`));
  for (const { file, line, text } of fresh.slice(0, typesShownMax))
    say(`! ${file === null ? '' : `${file}:${line}  `}${text}`);
  if (fresh.length > typesShownMax) say(`! and ${fresh.length - typesShownMax} more.`);
  if (found.length > 0)
    say(
      `The types do not fit in ${found.length} ${found.length === 1 ? 'place' : 'places'}; the server runs all the same.`,
    );
  else if (before.length > 0) say('The types fit again.');
}

/** What waited is delivered by now. */
function backAgain(restarted: Restarted | null): string {
  if (restarted === null) return 'The server is back.';
  const [tookMs, awayMs] = [restarted.tookMs, restarted.awayMs].map(Math.round);
  return `The server is back. The restart took ${tookMs} ms; for ${awayMs} ms of that nobody served, and messages waited.`;
}

async function takeFreePort(addresses: Addresses): Promise<void> {
  const wanted = addresses.port;
  addresses.port = await findFreePort(addresses.host, wanted);
  if (addresses.port !== wanted) say(`Port ${wanted} is taken, so the server takes ${addresses.port}.`);
}

async function shakeHands({ control }: Simulator): Promise<string[]> {
  const handshake = await control.handshake();
  return handshake.ok
    ? []
    : [`The handshake with the server failed: ${handshake.reason}. No message will reach it.`];
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

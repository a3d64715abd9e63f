/** Starts the simulator with the phone page on the port that was asked for, or on the first free one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BadConfig } from '#runtime/config.ts';
import type { RealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, type SimulatorWorld, startSimulator } from '#simulator/index.ts';
import type { Addresses } from './addresses.ts';
import { createPhonePage } from './phone-page.ts';

const phonePortDefault = 4_000;
const portsTriedMax = 100;

/** Answers a request, or leaves it with false. */
type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface PhoneOptions {
  /** The simulator's. */
  world: RealWorld;
  addresses: Addresses;
  say: (line: string) => void;
  phonePort?: number;
  /** Stand before the page. */
  doors: Handler;
}

/** Writes `simulatorUrl` into the addresses. @throws BadConfig where the port cannot be had. */
export async function startPhone({
  world,
  addresses,
  say,
  phonePort,
  doors,
}: PhoneOptions): Promise<Simulator> {
  const from = phonePort ?? phonePortDefault;
  const page = createPhonePage();
  const staticHandler: Handler = (request, response) => doors(request, response) || page(request, response);
  for (let port = from; port < from + portsTriedMax; port += 1) {
    // Here the server's own port is still free, but it is spoken for.
    if (phonePort === undefined && addresses.isPortNamed && port === addresses.port) continue;
    try {
      const simulator = await startSimulator({
        world: simulatorWorld(world),
        host: addresses.host,
        port,
        staticHandler,
      });
      if (phonePort === undefined && port !== from) {
        say(`Port ${from} is taken, so the phone page takes ${port}.`);
      }
      addresses.simulatorUrl = `http://${addresses.reachableHost}:${portOf(simulator.url)}`;
      await simulator.control.setup({ publicUrl: addresses.simulatorUrl });
      return simulator;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (phonePort === undefined) continue;
      throw new BadConfig(
        `Port ${phonePort} on ${addresses.host}, wanted for the phone page, is taken by another program. Stop it, or give --phone-port a free one.`,
      );
    }
  }
  throw new BadConfig(
    `No port from ${from} to ${from + portsTriedMax - 1} is free for the phone page. Give --phone-port a free one.`,
  );
}

const portOf = (url: string): string => new URL(url).port || '80';

function simulatorWorld({ clock, timers, random }: RealWorld): SimulatorWorld {
  return {
    nowMs: () => clock.nowMs(),
    setTimer: (delayMs, fn) => timers.after(delayMs, fn),
    random,
  };
}

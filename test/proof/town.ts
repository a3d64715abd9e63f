/**
 * The town of a run: tenants with a number each, customers who write to them, the look-alike of Meta and of the model
 * on a real port. Everything a checker needs is what the look-alike saw: what was said and acknowledged, what was accepted.
 */
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

export interface TownOptions {
  tenants: number;
  contacts: number;
  random: () => number;
  /** Of the numbers, at Meta and with us. */
  throughputPerSecond?: number;
  modelLatencyMs?: { minMs: number; maxMs: number };
  settings?: Record<string, unknown>;
  tenantLimits?: (tenant: number) => Record<string, number>;
  server?: Omit<ServerOptions, 'simulatorUrl'>;
}

export interface TownContact {
  id: string;
  phoneNumberId: string;
  tenantId: string;
}

export interface Town {
  simulator: Simulator;
  server: ServerProcess;
  contacts: TownContact[];
  numbers: string[];
  /** The tenants of this town, as at its beginning. */
  applyTenants(): Promise<void>;
  close(): Promise<void>;
}

const digits = (value: number, length: number) => String(value).padStart(length, '0');

export async function buildTown(options: TownOptions): Promise<Town> {
  const numbers = Array.from({ length: options.tenants }, (_, i) => ({
    id: `1065403522${digits(i, 4)}`,
    wabaId: `1022901293${digits(i, 4)}`,
    displayNumber: `+1 555 07${digits(i, 4)}`,
  }));
  const simulator = await startSimulator({
    world: { nowMs: () => Date.now(), setTimer, random: options.random },
    setup: {
      appSecret: 'app secret',
      verifyToken: 'verify',
      accessTokens: ['token'],
      phoneNumbers: numbers.map((number) => ({
        ...number,
        throughputPerSecond: options.throughputPerSecond ?? 80,
      })),
      timings: {
        sentMs: { minMs: 20, maxMs: 150 },
        deliveredMs: { minMs: 50, maxMs: 300 },
        readMs: { minMs: 100, maxMs: 600 },
        webhookRetryFirstMs: 200,
        webhookRetryFactor: 1.6,
        webhookRetryMaxMs: 3_000,
      },
    },
    model: { latencyMs: options.modelLatencyMs ?? { minMs: 50, maxMs: 500 } },
  });
  const server = new ServerProcess({ simulatorUrl: simulator.url, ...options.server });
  await server.start();
  await simulator.control.setup({ webhookUrl: `${server.url}/webhooks/whatsapp` });
  const tenants = numbers.map((number, i) => ({
    id: `tenant-${i}`,
    limits: options.tenantLimits?.(i) ?? {},
    phoneNumbers: [
      { ...number, sendsPerSecondMax: options.throughputPerSecond ?? 80, settings: options.settings ?? {} },
    ],
  }));
  const applyTenants = async () => void (await server.command('tenants.apply', { file: { tenants } }));
  await applyTenants();
  const contacts: TownContact[] = [];
  for (let i = 0; i < options.contacts; i++) {
    const contact = await simulator.control.createContact({
      phone: `1650${digits(i, 7)}`,
      name: `Customer ${i}`,
      userId: `US.${digits(i, 12)}`,
    });
    const at = i % numbers.length;
    contacts.push({ id: contact.id, phoneNumberId: numbers[at]?.id ?? '', tenantId: `tenant-${at}` });
  }
  return {
    simulator,
    server,
    contacts,
    numbers: numbers.map((number) => number.id),
    applyTenants,
    async close() {
      await server.stop();
      await simulator.close();
      server.remove();
    },
  };
}

export function setTimer(delayMs: number, fn: () => void): () => void {
  const handle = setTimeout(fn, delayMs);
  return () => clearTimeout(handle);
}

/** A small generator, so that a run's choices come from its seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A town whose servers are several processes on one Postgres, as `npm run proof -- machines` has them and with nothing that befalls them. Both
 * ends are timed by one clock, as in a town with one server.
 */
import { startSimulator } from '#simulator/index.ts';
import { Fleet } from '../test/proof/machines/fleet.ts';
import { openQueue, type WakeName } from '../test/proof/machines/own-queue.ts';
import { startPostgres } from './services.ts';
import { contactSpecOf, setupOf, simulatorOptions } from './simulator-setup.ts';
import { numbersOf, type Speaker, Talk, type Town } from './town.ts';

export interface FleetTownOptions {
  wake: WakeName;
  /** One process of all roles, or these. */
  roles: 'all' | { webhooks: number; workers: number };
  /** Who the contacts write to. */
  tenants: number;
  /** Tenants beside them to whom none of the contacts writes. */
  others?: number;
  contacts: number;
  sendsPerSecondMax: number;
  modelMs: number;
}

export type FleetTown = Pick<Town, 'simulator' | 'contacts' | 'talk' | 'close'>;

const historyMessagesMax = 10;

export async function buildFleetTown(options: FleetTownOptions): Promise<FleetTown> {
  const { wake, roles, tenants, others = 0, sendsPerSecondMax, modelMs } = options;
  const numbers = numbersOf(tenants + others);
  const simulator = await startSimulator({
    ...simulatorOptions,
    setup: setupOf(numbers, sendsPerSecondMax),
    model: { latencyMs: { minMs: modelMs, maxMs: modelMs } },
  });
  const queue = await openQueue(wake, simulator);
  const postgres = await startPostgres();
  const fleet = new Fleet({
    ...{ simulatorUrl: simulator.url, postgresUrl: postgres.url },
    ...(roles === 'all' ? { webhooks: 0, workers: 1, allRoles: true } : roles),
    ...{ env: { ...queue.env, LOG_LEVEL: 'error' }, wakePort: queue.wakePort },
    config: 'export default {};\n',
  });
  let talk: Talk | null = null;
  const close = async () => {
    talk?.close();
    await queue.close();
    // Nothing is looked at afterwards, so nobody waits for what is still under way.
    await Promise.all(fleet.all.map((each) => each.kill()));
    await fleet.stop();
    await simulator.close();
    await postgres.stop();
    fleet.remove();
  };
  try {
    await fleet.start();
    queue.serve();
    await simulator.control.setup({ webhookUrl: `${fleet.url}/webhooks/whatsapp` });
    const settings = { receipts: 'none', historyMessagesMax };
    await fleet.applyTenants({
      tenants: numbers.map((number, at) => ({
        id: `tenant-${at}`,
        phoneNumbers: [{ ...number, sendsPerSecondMax, settings }],
      })),
    });
    const contacts: Speaker[] = [];
    for (let index = 0; index < options.contacts; index++) {
      const { id } = await simulator.control.createContact(contactSpecOf(index));
      contacts.push({ contact: id, phoneNumberId: numbers[index % tenants]!.id });
    }
    talk = new Talk(simulator, contacts);
    return { simulator, contacts, talk, close };
  } catch (error) {
    await close();
    throw error;
  }
}

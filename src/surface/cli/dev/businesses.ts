/**
 * Who takes part: two businesses, so that one sees that they know nothing of each other, and two customers. The
 * businesses are applied to the server as `tenants apply` would, once for each run of the supervisor; whatever else the
 * server knows is shown on the phone page too. To add a business, add it to `businesses`.
 */
import { isFault, messageOf } from '#core/model/faults.ts';
import type { Timers } from '#core/ports/world.ts';
import type { ContactSpec, SimulatorClient, SimulatorSetup } from '#simulator/index.ts';
import { callOwner } from '../command-socket.ts';

const wabaId = '102290129340398';

const businesses = [
  {
    id: '106540352242922',
    displayNumber: '+1 555 078 3881',
    name: 'Luna Flowers',
    systemPrompt:
      'You answer for Luna Flowers, a small flower shop. Be warm and brief. Bouquets cost 25 to 60 euros, delivery in town is free, orders before 14:00 arrive on the same day. The shop is open Monday to Saturday from 9:00 to 18:00. If you do not know something, say so and offer a person.',
  },
  {
    id: '106540352242923',
    displayNumber: '+1 555 078 3882',
    name: 'Harbour Books',
    systemPrompt:
      'You answer for Harbour Books, a second-hand bookshop at the harbour. Be friendly and precise. Books cost 3 to 15 euros, you can put a book aside for three days, and used books are bought on Thursdays. The shop is open Tuesday to Sunday from 10:00 to 19:00. If you do not know something, say so and offer a person.',
  },
] as const;

const customers: readonly ContactSpec[] = [
  { id: 'mia', name: 'Mia Torres', phone: '16505550123', userId: 'US.1065505501230001' },
  { id: 'jonas', name: 'Jonas Weber', phone: '447700900123', userId: 'GB.4477009001230001' },
];

const demoTenants = {
  tenants: [
    {
      id: 'demo',
      name: 'Nightdesk demo',
      wabaId,
      phoneNumbers: businesses.map(({ id, displayNumber, systemPrompt }) => ({
        id,
        displayNumber,
        dialog: 'assistant',
        settings: { systemPrompt },
      })),
    },
  ],
};

export const demoSetup: SimulatorSetup = {
  wabas: [{ id: wabaId, name: 'Nightdesk demo' }],
  phoneNumbers: businesses.map(({ id, displayNumber, name }) => ({
    id,
    wabaId,
    displayNumber,
    verifiedName: name,
  })),
};

export async function inviteCustomers(control: SimulatorClient): Promise<void> {
  for (const customer of customers) await control.createContact(customer);
}

const socketTriesMax = 40;
const socketTryMs = 50;

/** Returns what a person should know; the rest of the demo works without it. */
export async function applyDemoTenant(databasePath: string | null, timers: Timers): Promise<string[]> {
  if (databasePath === null) {
    return ['The demo businesses were not applied, since the database is not a file of this machine.'];
  }
  for (let tries = 1; ; tries += 1) {
    try {
      await callOwner(databasePath, 'tenants.apply', { file: demoTenants });
      return [];
    } catch (error) {
      // The socket opens just after the port.
      const isTooEarly = isFault(error) && error.code === 'storeUnavailable' && tries < socketTriesMax;
      if (!isTooEarly) return [`The demo businesses were not applied: ${messageOf(error)}`];
      await new Promise<void>((resolve) => void timers.after(socketTryMs, resolve));
    }
  }
}

interface ListedTenant {
  name: string;
  phoneNumbers: { phoneNumberId: string; wabaId: string; displayNumber: string }[];
}

/** Lets the phone page write to every number that the server serves, also to those of a person's own tenants. */
export async function showTenants(databasePath: string | null, control: SimulatorClient): Promise<string[]> {
  if (databasePath === null) return [];
  try {
    const tenants = (await callOwner(databasePath, 'tenants.list', {})) as ListedTenant[];
    const demoIds = new Set<string>(businesses.map(({ id }) => id));
    const phoneNumbers = tenants.flatMap(({ name, phoneNumbers: listed }) =>
      listed
        .filter(({ phoneNumberId }) => !demoIds.has(phoneNumberId))
        .map((number) => ({
          id: number.phoneNumberId,
          wabaId: number.wabaId,
          displayNumber: number.displayNumber || number.phoneNumberId,
          verifiedName: name,
        })),
    );
    if (phoneNumbers.length > 0) await control.setup({ phoneNumbers });
    return [];
  } catch (error) {
    return [`The server's tenants could not be listed for the phone page: ${messageOf(error)}`];
  }
}

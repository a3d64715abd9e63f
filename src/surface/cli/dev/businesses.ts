/**
 * Who takes part: two businesses, so that one sees that they know nothing of each other, one more for each dialog of
 * `nightdesk.config.ts`, and two customers. The businesses are applied to the server as `tenants apply` would, once for
 * each run of the supervisor and whenever the dialogs are others; whatever else the server knows is shown on the phone page
 * too. To add a business, add it to `businesses`.
 */
import { isFault, messageOf } from '#core/model/faults.ts';
import type { Timers } from '#core/ports/world.ts';
import type { ContactSpec, SimulatorClient, SimulatorSetup } from '#simulator/index.ts';
import { callOwner } from '../command-socket.ts';

const wabaId = '102290129340398';
const assistant = 'assistant';

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

interface Business {
  id: string;
  displayNumber: string;
  name: string;
  dialog: string;
  settings: object;
}

/** Numbers of the bot's own dialogs are counted from here. */
const ownNumberFirst = 106540352243000;
const ownNumbersMax = 50;

/** The bot's own dialogs first: they are what is being written. The name of a business is the dialog's, for people. */
function businessesFor(dialogs: readonly string[]): Business[] {
  const own = dialogs
    .filter((dialog) => dialog !== assistant)
    .slice(0, ownNumbersMax)
    .map((dialog, at) => ({
      id: String(ownNumberFirst + at),
      displayNumber: `+1 555 078 ${4000 + at}`,
      name: nameOf(dialog),
      dialog,
      settings: {},
    }));
  const shops = businesses.map(({ systemPrompt, ...shop }) => ({
    ...shop,
    dialog: assistant,
    settings: { systemPrompt },
  }));
  return [...own, ...shops];
}

/** `table-booking` and `tableBooking` become "Table booking". */
function nameOf(dialog: string): string {
  const words = dialog
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[-_]+/g, ' ')
    .toLowerCase()
    .trim();
  return words === '' ? dialog : `${words[0]?.toUpperCase()}${words.slice(1)}`;
}

export async function inviteCustomers(control: SimulatorClient): Promise<void> {
  for (const customer of customers) await control.createContact(customer);
}

export const demoTenantId = 'demo';
/** With it the look-alike of the checkout signs, and the demo tenant's endpoint believes it. */
export const demoPaymentSecret = 'whsec_demo';
const socketTriesMax = 40;
const socketTryMs = 50;

export interface DemoOptions {
  databasePath: string | null;
  control: SimulatorClient;
  timers: Timers;
}

/** The demo businesses, on the phone page and in the server. */
export class DemoBusinesses {
  readonly #options: DemoOptions;
  #applied = '';

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** Where no server says what its dialogs are. */
  async showShops(): Promise<void> {
    await this.#options.control.setup(setupOf(businessesFor([])));
  }

  /** Once the server is ready. Returns what a person should know; the rest of the demo works without it. */
  async show(): Promise<string[]> {
    const { databasePath, control } = this.#options;
    if (databasePath === null) {
      await this.showShops();
      return ['The demo businesses were not applied, since the database is not a file of this machine.'];
    }
    try {
      const dialogs = (await this.#dialogs(databasePath)) as string[];
      const shown = businessesFor(dialogs);
      await control.setup(setupOf(shown));
      const applied = JSON.stringify(dialogs);
      if (applied !== this.#applied)
        await callOwner(databasePath, 'tenants.apply', { file: tenantsOf(shown) });
      this.#applied = applied;
    } catch (error) {
      return [`The demo businesses were not applied: ${messageOf(error)}`];
    }
    return showTenants(databasePath, control);
  }

  async #dialogs(databasePath: string): Promise<unknown> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await callOwner(databasePath, 'dialogs.list', {});
      } catch (error) {
        // The socket opens just after the port.
        if (!(isFault(error) && error.code === 'storeUnavailable' && tries < socketTriesMax)) throw error;
        await new Promise<void>((resolve) => void this.#options.timers.after(socketTryMs, resolve));
      }
    }
  }
}

/** Also of a dialog that is gone since. */
function isOurs(phoneNumberId: string): boolean {
  const at = Number(phoneNumberId) - ownNumberFirst;
  return (at >= 0 && at < ownNumbersMax) || businesses.some(({ id }) => id === phoneNumberId);
}

/** What Meta gives a busy number by itself; with the usual 80 the workbench's load would only show Meta's refusals. */
const perSecond = 1_000;

const setupOf = (shown: readonly Business[]): SimulatorSetup => ({
  wabas: [{ id: wabaId, name: 'Nightdesk demo' }],
  phoneNumbers: shown.map(({ id, displayNumber, name }) => ({
    id,
    wabaId,
    displayNumber,
    verifiedName: name,
    throughputPerSecond: perSecond,
  })),
});

const tenantsOf = (shown: readonly Business[]): object => ({
  tenants: [
    {
      id: demoTenantId,
      name: 'Nightdesk demo',
      wabaId,
      stripeWebhookSecrets: [demoPaymentSecret],
      phoneNumbers: shown.map(({ id, displayNumber, dialog, settings }) => ({
        id,
        displayNumber,
        dialog,
        settings,
        sendsPerSecondMax: perSecond,
      })),
    },
  ],
});

interface ListedTenant {
  tenantId: string;
  name: string;
  phoneNumbers: { phoneNumberId: string; wabaId: string; displayNumber: string }[];
}

/** Lets the phone page write to every number that the server serves, also to those of a person's own tenants. */
async function showTenants(databasePath: string, control: SimulatorClient): Promise<string[]> {
  try {
    const tenants = (await callOwner(databasePath, 'tenants.list', {})) as ListedTenant[];
    const phoneNumbers = tenants.flatMap(({ tenantId, name, phoneNumbers: listed }) =>
      listed
        .filter(({ phoneNumberId }) => tenantId !== demoTenantId || !isOurs(phoneNumberId))
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

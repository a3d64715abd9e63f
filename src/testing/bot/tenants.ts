/** The businesses of a bot under test: as `nightdesk tenants apply` takes them, and as Meta must know them. */
import { defaultCheckoutSettings, type SimulatorSetup } from '#simulator/index.ts';

/** One number of one business, the shortest way to say it. */
export interface TestNumber {
  /** As customers see it, and as a story names it. */
  name?: string;
  /** The dialog that answers; the assistant if absent. */
  dialog?: string;
  settings?: Record<string, unknown>;
}

/** The content of a tenants file, as far as a test needs to know it. */
export interface TenantsFile {
  tenants: {
    id: string;
    wabaId?: string;
    accessToken?: string;
    phoneNumbers: { id: string; wabaId?: string; displayNumber?: string; [field: string]: unknown }[];
    [field: string]: unknown;
  }[];
}

export const testToken = 'token of the test';
const wabaId = '102290129340398';

export function tenantsOf(numbers: readonly TestNumber[]): TenantsFile {
  return {
    tenants: [
      {
        id: 'test',
        name: 'Test',
        accessToken: testToken,
        stripeWebhookSecrets: [defaultCheckoutSettings().webhookSecret],
        wabaId,
        phoneNumbers: numbers.map(({ dialog, settings }, index) => ({
          id: `10654035224292${index}`,
          displayNumber: `+1 555 078 388${index}`,
          ...(dialog === undefined ? {} : { dialog }),
          ...(settings === undefined ? {} : { settings }),
        })),
      },
    ],
  };
}

/** What Meta must know of these businesses. */
export function setupOf(file: TenantsFile, names: readonly (string | undefined)[]): SimulatorSetup {
  const numbers = file.tenants.flatMap((tenant) =>
    tenant.phoneNumbers.map((number) => ({
      id: number.id,
      wabaId: number.wabaId ?? tenant.wabaId ?? wabaId,
      displayNumber: number.displayNumber ?? `+${number.id}`,
    })),
  );
  return {
    phoneNumbers: numbers.map((number, index) => {
      const name = names[index];
      return name === undefined ? number : { ...number, verifiedName: name };
    }),
    accessTokens: [...new Set(file.tenants.map(({ accessToken }) => accessToken ?? testToken))],
  };
}

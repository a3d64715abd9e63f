/** Tenants and their numbers. Secrets come sealed; this driver does not know the key. To keep another field, add it to the port. */
import type { Store } from '#core/ports/store.ts';
import type { PhoneNumber, Tenant } from '#core/ports/tenants.ts';
import type { Database } from './database/database.ts';

export function tenantMethods(db: Database): Pick<Store, 'readTenants' | 'applyTenants'> {
  return {
    async readTenants() {
      const read = await db.call<{ tenants: string[]; numbers: string[] }>('read_tenants', {});
      const tenants = read.tenants.map((config) => ({
        ...(JSON.parse(config) as Tenant),
        phoneNumbers: [] as PhoneNumber[],
      }));
      const byId = new Map(tenants.map((tenant) => [tenant.tenantId, tenant]));
      for (const config of read.numbers) {
        const number = JSON.parse(config) as PhoneNumber;
        byId.get(number.tenantId)?.phoneNumbers.push(number);
      }
      return tenants;
    },
    async applyTenants({ tenants, nowMs }) {
      await db.change('applyTenants', 'apply_tenants', {
        nowMs,
        tenants: tenants.map(({ phoneNumbers: _, ...tenant }) => ({
          tenantId: tenant.tenantId,
          config: JSON.stringify(tenant),
        })),
        numbers: tenants.flatMap(({ phoneNumbers }) =>
          phoneNumbers.map((number) => ({
            tenantId: number.tenantId,
            phoneNumberId: number.phoneNumberId,
            config: JSON.stringify(number),
          })),
        ),
      });
    },
  };
}
